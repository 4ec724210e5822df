//! Parses, dispatches, exits.

use std::process::ExitCode;

/// Polls make and drop thousands of small pieces each second: with the system's allocator that took
/// a fifth of all CPU time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match eider::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(eider::cli::EXIT_SOME_FAILED)
        }
    }
}
