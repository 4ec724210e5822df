//! `eider profile`: check profiles, list them, and try them on a device or a recording.

mod trial;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::output::{self, table_of};
use crate::home::Home;
use crate::inventory::{self, Examined, NoSecrets, ProblemSeverity, SourceFile};
use crate::profile::Profile;
use crate::store;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Check files as if they lay in inventory/profiles/
    Check {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Poll a host or a recording by its profiles and tell what came of each; store nothing
    Try(trial::Args),
    /// List the profiles, shipped ones and those of the home
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Check { files } => check(home, files),
        Verb::Try(args) => trial::run(home, args),
        Verb::List { json } => list(home, *json),
    }
}

/// Every profile of the home, with these files in place of those of the same name; and all files as
/// they were read.
fn with_files(home: &Home, paths: &[PathBuf]) -> anyhow::Result<(Vec<SourceFile>, Examined)> {
    let mut files = home.profile_files().map_err(anyhow::Error::msg)?;
    for path in paths {
        let name = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let text = std::fs::read_to_string(path)
            .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
        files.retain(|file| !file.path.ends_with(&format!("/{name}")));
        files.push(SourceFile::new(format!("inventory/profiles/{name}"), text));
    }
    files.push(SourceFile::new(
        "inventory/hosts.yaml",
        "hosts: {a: {collect: [local]}}\n",
    ));
    let examined = inventory::examine(&files, &NoSecrets);
    Ok((files, examined))
}

fn check(home: &Home, paths: &[PathBuf]) -> anyhow::Result<u8> {
    let (files, examined) = with_files(home, paths)?;
    let mut problems = examined.problems;
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let names: Vec<String> = paths.iter().filter_map(|p| name(p)).collect();
    problems.retain(|problem| {
        problem
            .places
            .iter()
            .any(|place| names.iter().any(|n| place.path.ends_with(&format!("/{n}"))))
    });
    if let Some(inventory) = &examined.inventory {
        problems.extend(store::check_tables(inventory)?);
    }
    let mut text = inventory::render(&problems, &files, output::colour());
    if problems.is_empty() {
        text = format!("no problems ({} profiles)\n", paths.len());
    }
    output::print(&text)?;
    let bad = problems
        .iter()
        .any(|p| p.severity == ProblemSeverity::Error);
    Ok(if bad {
        super::EXIT_CONFIG
    } else {
        super::EXIT_OK
    })
}

fn list(home: &Home, as_json: bool) -> anyhow::Result<u8> {
    let (files, examined) = with_files(home, &[])?;
    let Some(inventory) = examined.inventory else {
        let text = inventory::render(&examined.problems, &files, false);
        anyhow::bail!("the profiles have errors\n{text}");
    };
    if as_json {
        let profiles: Vec<Value> = inventory.profiles.iter().map(about).collect();
        let value = json!({"version": 1, "profiles": profiles});
        output::print(&format!("{value:#}\n"))?;
        return Ok(super::EXIT_OK);
    }
    let rows: Vec<Value> = inventory
        .profiles
        .iter()
        .map(|p| json!([*p.name, p.rank, fills(p).join(", "), p.comment]))
        .collect();
    output::print(&table_of(
        &json!(["profile", "rank", "fills", "comment"]),
        &json!(rows),
    ))?;
    Ok(super::EXIT_OK)
}

fn fills(profile: &Arc<Profile>) -> Vec<&'static str> {
    let mut names: Vec<&str> = profile.sections.iter().map(|s| s.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn about(profile: &Arc<Profile>) -> Value {
    json!({
        "name": *profile.name,
        "rank": profile.rank,
        "comment": profile.comment,
        "fills": fills(profile),
        "path": profile.path,
        "pinned_only": profile.matching.is_none(),
    })
}
