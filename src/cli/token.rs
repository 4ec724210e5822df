//! `eider token`: who may push.

use jiff::Timestamp;
use serde_json::json;

use super::{client, output};
use crate::home::Home;
use crate::inventory::Access;
use crate::web::{TokensError, TokensFile};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, clap::Subcommand)]
enum Order {
    /// Make a token that lets one host push; it is printed this once
    Add {
        /// The host's name in the inventory
        #[arg(value_name = "HOST")]
        host: String,
        /// What to call it in the list
        #[arg(long, default_value = "agent")]
        name: String,
    },
    /// List the tokens; the secrets themselves are not kept
    List,
    /// Take a token away, by the id that `list` shows
    Revoke {
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Changes the token file of the home's data directory. A running daemon notices by itself.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let data = home.resolve(&client::settings_of(home).data);
    let file = TokensFile::of(&data);
    let outcome = match &args.order {
        Order::Add { host, name } => return add(home, &file, host, name),
        Order::List => file.list().map(|tokens| {
            let rows: Vec<_> = tokens
                .iter()
                .map(|t| json!([t.id(), t.host, t.name, t.made]))
                .collect();
            output::table_of(&json!(["id", "host", "name", "made"]), &json!(rows))
        }),
        Order::Revoke { id } => file
            .revoke(id)
            .map(|token| format!("revoked {} of {}\n", token.id(), token.host)),
    };
    finish(outcome)
}

fn add(home: &Home, file: &TokensFile, host: &str, name: &str) -> anyhow::Result<u8> {
    let inventory = super::load_or_explain(home)?;
    let Some(known) = inventory.hosts.get(host) else {
        eprintln!(
            "error: there is no host `{host}` in the inventory; add it with `collect: [push]`"
        );
        return Ok(super::EXIT_USAGE);
    };
    let pushes = known.targets.iter().any(|t| t.access == Access::Push);
    let today = Timestamp::now().to_string();
    let today = today.get(..10).unwrap_or(&today);
    let outcome = file.add(host, name, today).map(|secret| {
        if !pushes {
            eprintln!("note: `collect` of {host} does not name `push` yet: add it");
        }
        format!("{secret}\n")
    });
    finish(outcome)
}

fn finish(outcome: Result<String, TokensError>) -> anyhow::Result<u8> {
    match outcome {
        Ok(text) => {
            output::print(&text)?;
            Ok(super::EXIT_OK)
        }
        Err(error @ (TokensError::Name | TokensError::Unknown(_))) => {
            eprintln!("error: {error}");
            Ok(super::EXIT_USAGE)
        }
        Err(error) => Err(error.into()),
    }
}
