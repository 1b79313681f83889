//! Prints docs/reasons.md: `cargo xtask reasons` writes it.
#![expect(clippy::print_stdout, reason = "what it prints is its result")]

mod page;

fn main() {
    print!("{}", page::page());
}
