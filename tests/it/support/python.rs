//! Debian's Python with Debian's modules, installed or unpacked below the cache.

use std::path::PathBuf;
use std::process::Command;

use super::process::{Program, unpacked_root};

/// The interpreter, told where unpacked modules are.
pub(crate) fn command() -> Command {
    let mut command = interpreter().command();
    let mut path = vec![unpacked_root().join("usr/lib/python3/dist-packages")];
    path.extend(std::env::split_paths(
        &std::env::var_os("PYTHONPATH").unwrap_or_default(),
    ));
    command.env(
        "PYTHONPATH",
        std::env::join_paths(path).expect("no colon in paths"),
    );
    command
}

/// Debian's own interpreter: one from elsewhere does not see Debian's modules.
fn interpreter() -> Program {
    let program = |path: PathBuf, unpacked| Program { path, unpacked };
    let root = unpacked_root();
    let unpacked = root.join("usr/bin/python3");
    // Unpacked modules were chosen for the interpreter that was unpacked with them, if one was.
    if unpacked.is_file() {
        return program(unpacked, Some(root));
    }
    program("/usr/bin/python3".into(), None)
}
