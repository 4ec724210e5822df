//! The command line: one file per verb.

mod agent;
mod check;
mod client;
mod completions;
mod db;
mod discover;
mod host;
mod import;
mod init;
mod mail;
mod mib;
mod output;
mod poll;
mod profile;
mod queries;
mod query;
mod record;
mod reload;
mod report;
mod schema;
mod serve;
mod simulate;
mod sql_child;
mod ssh;
mod status;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::home::Home;

/// All went well.
pub const EXIT_OK: u8 = 0;
/// Some hosts or queries failed.
pub const EXIT_SOME_FAILED: u8 = 1;
/// The command line is wrong (clap's own code).
pub const EXIT_USAGE: u8 = 2;
/// The files of the home are wrong.
pub const EXIT_CONFIG: u8 = 3;
/// No daemon answers where one is needed.
pub const EXIT_UNREACHABLE: u8 = 4;

/// Watches servers and network gear without installing anything on them.
#[derive(Debug, Parser)]
#[command(name = "eider", version, propagate_version = true)]
pub struct Cli {
    /// The home: a directory with inventory/, queries/ and templates/
    #[arg(
        long,
        global = true,
        env = "EIDER_HOME",
        default_value = ".",
        value_name = "DIR"
    )]
    home: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a commented home in which this machine is active
    Init(init::Args),
    /// Check every file of the home and report all problems at once
    Check(check::Args),
    /// Run: poll, keep, serve pages, raise alerts
    Serve(serve::Args),
    /// Tell the running daemon to read its files again
    Reload(reload::Args),
    /// How the running daemon is
    Status(status::Args),
    /// List the hosts, or show one with each effective value and the line it came from
    #[command(visible_alias = "hosts")]
    Host(host::Args),
    /// Sweep networks and print what answers as hosts of the inventory
    Discover(discover::Args),
    /// Bring the inventory of Ansible, ssh, Prometheus, snmp_exporter or a table
    Import(import::Args),
    /// Poll a host now and print what it answered; store nothing
    Poll(poll::Args),
    /// SNMP profiles: check, try, list
    Profile(profile::Args),
    /// Ask the history: a query of queries/, or SQL
    Query(query::Args),
    /// The tables that can be asked: columns, units, joins, examples
    Schema(schema::Args),
    /// List the queries with their parameters
    Queries(queries::Args),
    /// List the reports, or make one now: as text, as an HTML file, by mail
    #[command(visible_alias = "reports")]
    Report(report::Args),
    /// The history: how large, whether whole; seal it
    Db(db::Args),
    /// SSH host keys: show and trust
    Ssh(ssh::Args),
    /// Passwords for the web pages
    User(user::Args),
    /// Tokens that let hosts push
    Token(token::Args),
    /// Push this machine to a server, with a spool on disk
    Agent(agent::Args),
    /// Try the mail settings
    Mail(mail::Args),
    /// MIB modules: draft a profile from them
    Mib(mib::Args),
    /// Save what a device shows by SNMP, to play it with `eider simulate`
    Record(record::Args),
    /// Play SNMP devices on loopback, to try things out
    Simulate(simulate::Args),
    /// Answer one question of a person, for the daemon
    #[command(hide = true)]
    SqlChild,
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// Parses the command line and runs its verb. An error is printed by `main`, once.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    if matches!(cli.verb, Verb::SqlChild) {
        return Ok(ExitCode::from(sql_child::run()?));
    }
    let home = Home::at(&cli.home)?;
    let code = match cli.verb {
        Verb::Init(args) => init::run(&home, &args)?,
        Verb::Check(args) => check::run(&home, &args)?,
        Verb::Serve(args) => serve::run(&home, &args)?,
        Verb::Reload(args) => reload::run(&home, &args)?,
        Verb::Status(args) => status::run(&home, &args)?,
        Verb::Host(args) => host::run(&home, &args)?,
        Verb::Discover(args) => discover::run(&home, &args)?,
        Verb::Import(args) => import::run(&home, &args)?,
        Verb::Poll(args) => poll::run(&home, &args)?,
        Verb::Profile(args) => profile::run(&home, &args)?,
        Verb::Query(args) => query::run(&home, &args)?,
        Verb::Schema(args) => schema::run(&home, &args)?,
        Verb::Queries(args) => queries::run(&home, &args)?,
        Verb::Report(args) => report::run(&home, &args)?,
        Verb::Db(args) => db::run(&home, &args)?,
        Verb::Ssh(args) => ssh::run(&home, &args)?,
        Verb::User(args) => user::run(&home, &args)?,
        Verb::Agent(args) => agent::run(&home, &args)?,
        Verb::Token(args) => token::run(&home, &args)?,
        Verb::Mail(args) => mail::run(&home, &args)?,
        Verb::Mib(args) => mib::run(&home, args)?,
        Verb::Record(args) => record::run(&home, &args)?,
        Verb::Simulate(args) => simulate::run(&args)?,
        Verb::SqlChild => sql_child::run()?,
        Verb::Completions(args) => completions::run(&args)?,
    };
    Ok(ExitCode::from(code))
}

/// The inventory of the home; with errors in its files, they are told and nothing else is done.
fn load_or_explain(home: &Home) -> anyhow::Result<crate::inventory::Inventory> {
    let (files, examined) = home.load().map_err(|e| anyhow::anyhow!(e))?;
    examined.inventory.ok_or_else(|| {
        anyhow::anyhow!(
            "the inventory has errors\n{}",
            crate::inventory::render(&examined.problems, &files, false)
        )
    })
}
