//! Parses, dispatches, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    match eider::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(eider::cli::EXIT_SOME_FAILED)
        }
    }
}
