//! `registrar completions` and `registrar man`.

use clap::CommandFactory;

use crate::Failure;
use crate::cli::{Cli, PaperCommand};
use crate::say::{print, say};

pub(crate) fn paper(command: &PaperCommand) -> Result<(), Failure> {
    let mut cli = Cli::command();
    match command {
        PaperCommand::Completions(args) => {
            let mut text = Vec::new();
            clap_complete::generate(args.shell, &mut cli, "registrar", &mut text);
            print(&String::from_utf8_lossy(&text))
        }
        PaperCommand::Man(args) => {
            let directory = args.directory.display();
            let written =
                std::fs::create_dir_all(&args.directory).and_then(|()| clap_mangen::generate_to(cli, &args.directory));
            written.map_err(|error| Failure::Machine(format!("error: {directory}: {error}")))?;
            say(&format!("the pages are in {directory}: man -l {directory}/registrar.1"));
            Ok(())
        }
    }
}
