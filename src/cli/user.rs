//! `eider user`: who may see the pages.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};

use super::{client, output};
use crate::home::Home;
use crate::web::{UsersError, UsersFile};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, clap::Subcommand)]
enum Order {
    /// Add a user, or give a known one a new password (asked for, or the first line of stdin)
    Add {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the users
    List,
    /// Remove a user; open sessions of that user end
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Changes the password file of the home's data directory. A running daemon notices by itself.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let data = home.resolve(&client::settings_of(home).data);
    let file = UsersFile::of(&data);
    let outcome = match &args.order {
        Order::Add { name } => {
            let password = password()?;
            file.set(name, &password).map(|new| {
                let done = if new { "added" } else { "changed" };
                format!("{done} {name} in {}\n", file.path().display())
            })
        }
        Order::List => file.names().map(|names| {
            let lines: Vec<String> = names.iter().map(|name| format!("{name}\n")).collect();
            lines.concat()
        }),
        Order::Remove { name } => file.remove(name).map(|()| format!("removed {name}\n")),
    };
    match outcome {
        Ok(text) => {
            output::print(&text)?;
            Ok(super::EXIT_OK)
        }
        Err(error @ (UsersError::Name | UsersError::Password | UsersError::Unknown(_))) => {
            eprintln!("error: {error}");
            Ok(super::EXIT_USAGE)
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks twice on a terminal; otherwise takes the first line of stdin.
fn password() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        return line();
    }
    let first = ask("Password: ")?;
    if ask("Again: ")? != first {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(first)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    // Before the prompt: a quick typist, or a program, would show otherwise.
    let silence = terminal::Silence::begin().context("cannot hide what is typed")?;
    eprint!("{prompt}");
    std::io::stderr().flush()?;
    let text = line();
    drop(silence);
    eprintln!();
    text
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    if std::io::stdin().lock().read_line(&mut text)? == 0 {
        bail!("no password was given");
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal without echo.
#[allow(
    unsafe_code,
    reason = "tcgetattr and tcsetattr are C functions; both get a valid descriptor and a valid struct"
)]
mod terminal {
    use std::io::{Error, Result};
    use std::mem::MaybeUninit;

    /// What is typed does not show until this is dropped.
    pub(super) struct Silence(libc::termios);

    impl Silence {
        pub(super) fn begin() -> Result<Silence> {
            let mut before = MaybeUninit::uninit();
            // SAFETY: the pointer is valid for a write of a termios.
            if unsafe { libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()) } != 0 {
                return Err(Error::last_os_error());
            }
            // SAFETY: tcgetattr succeeded and so filled it.
            let before = unsafe { before.assume_init() };
            let mut silent = before;
            silent.c_lflag &= !libc::ECHO;
            set(&silent)?;
            Ok(Silence(before))
        }
    }

    impl Drop for Silence {
        fn drop(&mut self) {
            let _ = set(&self.0);
        }
    }

    fn set(termios: &libc::termios) -> Result<()> {
        // SAFETY: the reference is valid for a read of a termios.
        if unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, termios) } != 0 {
            return Err(Error::last_os_error());
        }
        Ok(())
    }
}
