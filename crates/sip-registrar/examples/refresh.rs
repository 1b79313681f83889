//! Refreshes one binding N times, for counting instructions.
#![expect(clippy::print_stdout, reason = "a command-line example")]

mod counted;

use std::error::Error;

use counted::{House, REGISTER, Template, times};

fn main() -> Result<(), Box<dyn Error>> {
    let times = times()?;
    let mut house = House::new(false, None)?;
    let mut template = Template::new(REGISTER);
    for n in 0..times {
        house.ask(n, template.request(n)?);
    }
    println!("{} bytes asked, {times} times; the last answer:\n{}", REGISTER.len(), house.answer());
    Ok(())
}
