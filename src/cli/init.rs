//! `eider init`: a commented home in which this machine is active.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::output;
use crate::home::Home;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where; made if need be [default: the home]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

const FILES: [(&str, &str); 4] = [
    (
        "inventory/settings.yaml",
        include_str!("init/settings.yaml"),
    ),
    ("inventory/hosts.yaml", include_str!("init/hosts.yaml")),
    ("inventory/rules/own.yaml", include_str!("init/own.yaml")),
    (".gitignore", "/data\n/secrets\n"),
];

const FOLDERS: [&str; 3] = ["inventory/hosts.d", "queries", "templates"];

/// Writes what is not there yet, never over a file, and says what to do next.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let target = match &args.directory {
        Some(directory) => Home::at(directory)?,
        None => home.clone(),
    };
    let root = target.root();
    let mut text = String::new();
    for folder in FOLDERS {
        let path = root.join(folder);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    for (name, content) in FILES {
        let path = root.join(name);
        let word = match write_new(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?
        {
            true => "wrote",
            false => "kept ",
        };
        let _ = writeln!(text, "{word} {}", path.display());
    }
    let here = std::env::current_dir().is_ok_and(|current| current == root);
    let option = match here {
        true => String::new(),
        false => format!(" --home {}", shell_word(root)),
    };
    let _ = write!(
        text,
        "\nThis machine is active. Next:\n  \
         eider{option} check     what is wrong with the files, if anything\n  \
         eider{option} serve     watch; the pages are at http://127.0.0.1:8080/\n\
         To watch more, edit {}\n",
        root.join("inventory/hosts.yaml").display()
    );
    output::print(&text)?;
    Ok(super::EXIT_OK)
}

/// `false` when there is something of that name already.
fn write_new(path: &Path, content: &str) -> std::io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
    {
        Ok(mut file) => file.write_all(content.as_bytes()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// The path as a word that a shell reads back.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
