//! `eider completions`: a script for the user's shell.

use clap::CommandFactory;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "eider", &mut script);
    super::output::print_bytes(&script)?;
    Ok(super::EXIT_OK)
}
