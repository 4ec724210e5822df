//! `eider mail`: tries the mail settings.

use std::io::IsTerminal;

use anyhow::Context;

use crate::home::{Folder, Home};
use crate::loops::notifier::trial::test_letter;
use crate::loops::poller::unix_now;
use crate::mail::{Mailer, check_address};
use crate::render::Renderer;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Send a test mail and print what the mail server said
    Test {
        /// Whom to send it to, for example ops@example.net
        address: String,
    },
}

/// Sends now, past the outbox: the point is to see what the server says.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let Verb::Test { address } = &args.verb;
    check_address(address)?;
    let (files, examined) = home.load().map_err(|e| anyhow::anyhow!(e))?;
    let Some(inventory) = examined.inventory else {
        let colour = std::io::stderr().is_terminal();
        let problems = crate::inventory::render(&examined.problems, &files, colour);
        eprint!("{problems}");
        return Ok(super::EXIT_CONFIG);
    };
    let Some(settings) = &inventory.settings.mail else {
        eprintln!(
            "error: inventory/settings.yaml says nothing about mail; add for example\n\n  \
             mail: {{smtp: \"smtp+starttls://eider@mail.example.net:587\", password: \"env:SMTP_PASSWORD\", from: \"eider@example.net\"}}\n"
        );
        return Ok(super::EXIT_CONFIG);
    };
    let mailer = Mailer::new(settings)?;
    let templates = home.clone();
    let renderer = Renderer::new(move |name| templates.asset(Folder::Templates, name));
    let letter = test_letter(&renderer, &inventory, address, mailer.domain(), unix_now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    match runtime.block_on(mailer.send(&letter)) {
        Ok(said) => {
            println!("{} took the mail to {address}: {said}", mailer.server());
            Ok(super::EXIT_OK)
        }
        Err(error) => {
            eprintln!("error: {error}");
            Ok(super::EXIT_SOME_FAILED)
        }
    }
}
