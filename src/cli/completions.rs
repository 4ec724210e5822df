//! `eider completions`: a script for the user's shell.

use clap::CommandFactory;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args) -> u8 {
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "eider",
        &mut std::io::stdout(),
    );
    super::EXIT_OK
}
