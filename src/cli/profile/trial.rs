//! `eider profile try`

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::with_files;
use crate::cli::output::{self, table_of, visible};
use crate::cli::simulate::tell_damage;
use crate::cli::{EXIT_OK, EXIT_SOME_FAILED, load_or_explain};
use crate::collect::Attempt;
use crate::collect::snmp::{Engine, Trial};
use crate::home::Home;
use crate::inventory::{self, Access, Secret, SnmpAccess, SnmpAuth, Target};
use crate::profile::{Profile, ProfileSet};
use crate::reading::{self, Method, Readings};
use crate::simulate::{Faults, Fleet, Options, Recording, Shape};
use crate::table::HOST_FACTS;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The host's name in the inventory
    #[arg(value_name = "HOST", required_unless_present = "recording")]
    host: Option<String>,
    /// Play a recording (.snmprec) instead of asking a host
    #[arg(long, value_name = "FILE", conflicts_with = "host")]
    recording: Option<PathBuf>,
    /// Only this profile, whether it matches or not: a name, or a file
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The longest that it may take, in seconds
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Polls once and tells what every profile made of it. Exit code 1 when the device did not answer.
pub(in crate::cli) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let profiles = profiles(home, args.profile.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let played = match &args.recording {
        Some(path) => Some(Played::start(path)?),
        None => None,
    };
    let (target, mut access) = match (&played, &args.host) {
        (Some(played), _) => played.target(),
        (None, Some(host)) => of_host(home, host)?,
        (None, None) => anyhow::bail!("name a host, or a recording with --recording"),
    };
    access.profiles = profiles;
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    let (attempt, trial) = runtime.block_on(async {
        let engine = Engine::start()?;
        anyhow::Ok(engine.try_profiles(&target, &access, deadline).await)
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let text = match args.format {
        Format::Json => format!("{:#}\n", as_json(&attempt, &trial)),
        Format::Text => as_text(&attempt, &trial, args.profile.is_some()),
    };
    output::print(&text)?;
    Ok(if attempt.1.is_ok() {
        EXIT_OK
    } else {
        EXIT_SOME_FAILED
    })
}

/// All profiles, or the one of that name or file.
fn profiles(home: &Home, wanted: Option<&str>) -> anyhow::Result<ProfileSet> {
    let file = wanted
        .filter(|w| w.contains('/') || w.ends_with(".yaml"))
        .map(PathBuf::from);
    let paths: Vec<PathBuf> = file.into_iter().collect();
    let (files, examined) = with_files(home, &paths)?;
    let Some(inventory) = examined.inventory else {
        let text = inventory::render(&examined.problems, &files, output::colour());
        anyhow::bail!("the profiles have errors\n{text}");
    };
    let Some(wanted) = wanted else {
        return Ok(ProfileSet {
            profiles: inventory.profiles.into(),
            pinned: false,
        });
    };
    let stem = paths
        .first()
        .and_then(|p| p.file_stem())
        .map(|s| s.to_string_lossy().into_owned());
    let name = stem.unwrap_or_else(|| wanted.to_owned());
    let named: Vec<Arc<Profile>> = inventory
        .profiles
        .into_iter()
        .filter(|p| *p.name == *name)
        .collect();
    anyhow::ensure!(
        !named.is_empty(),
        "there is no profile `{name}`; `eider profile list` shows them"
    );
    Ok(ProfileSet {
        profiles: named.into(),
        pinned: true,
    })
}

fn of_host(home: &Home, name: &str) -> anyhow::Result<(Target, SnmpAccess)> {
    let inventory = load_or_explain(home)?;
    let Some(host) = inventory.hosts.get(name) else {
        anyhow::bail!("there is no host `{name}` in the inventory; `eider host` lists them");
    };
    for target in &host.targets {
        if let Access::Snmp(access) = &target.access {
            return Ok((Target::clone(target), access.clone()));
        }
    }
    anyhow::bail!("the host `{name}` is not polled by SNMP")
}

/// A device on loopback that plays a recording for as long as this lives.
struct Played {
    address: Ipv4Addr,
    port: u16,
    control: crate::simulate::Control,
    thread: Option<std::thread::JoinHandle<()>>,
}

const COMMUNITY: &str = "public";

impl Played {
    fn start(path: &Path) -> anyhow::Result<Played> {
        let bytes = std::fs::read(path)
            .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
        let recording = Recording::parse(&bytes)
            .map_err(|error| anyhow::anyhow!("{}:{}: {}", path.display(), error.line, error.why))?;
        tell_damage(path, &recording);
        let fleet = Fleet::open(Options {
            first: Ipv4Addr::LOCALHOST,
            port: 0,
            devices: 1,
            community: COMMUNITY.into(),
            user: None,
            mischief: Vec::new(),
            // What devices without a recording are like.
            shape: Shape {
                seed: 0,
                ports: 1,
                counters32: false,
                reboot_every_ms: 0,
                renumber_every_ms: 0,
            },
            recordings: vec![recording],
            faults: Faults::default(),
            longest_reply: 1_472,
        })?;
        let (address, port, control) = (fleet.address(0), fleet.port(), fleet.control());
        let thread = std::thread::spawn(move || {
            let _ = fleet.run();
        });
        Ok(Played {
            address,
            port,
            control,
            thread: Some(thread),
        })
    }

    fn target(&self) -> (Target, SnmpAccess) {
        let access = SnmpAccess {
            interfaces: Default::default(),
            port: self.port,
            auth: SnmpAuth::V2c {
                community: Secret::new(COMMUNITY),
            },
            profiles: ProfileSet::default(),
        };
        let target = Target {
            host: "recording".into(),
            way: Method::Snmp.into(),
            address: self.address.to_string(),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
            access: Access::Snmp(access.clone()),
        };
        (target, access)
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn cell(value: &reading::Value) -> Value {
    match value {
        reading::Value::Null => Value::Null,
        reading::Value::Int(v) => json!(v),
        reading::Value::Float(v) => json!((v * 1e6).round() / 1e6),
        reading::Value::Bool(v) => json!(v),
        reading::Value::Text(v) => json!(**v),
        reading::Value::Counter32(v) => json!(v),
        reading::Value::Counter64(v) => json!(v),
    }
}

/// Columns and rows of one table; columns that no row fills are left out.
fn rows_of(table: &reading::TableReadings) -> (Vec<&'static str>, Vec<Vec<Value>>) {
    let definition = table.table;
    let entity: Vec<&'static str> = definition.entity.into_iter().collect();
    let names = entity.iter().copied().chain(
        definition
            .columns
            .iter()
            .chain(definition.facts)
            .map(|c| c.name),
    );
    let rows: Vec<Vec<Value>> = table
        .rows
        .iter()
        .map(|row| {
            let name = entity
                .iter()
                .map(|_| json!(row.entity.as_ref().map(|e| e.name.as_str())));
            let mut facts = row.facts.to_vec();
            facts.resize(definition.facts.len(), reading::Value::Null);
            name.chain(row.values.iter().map(cell))
                .chain(facts.iter().map(cell))
                .collect()
        })
        .collect();
    let filled: Vec<bool> = (0..names.clone().count())
        .map(|i| i < entity.len() || rows.iter().any(|row| !row[i].is_null()))
        .collect();
    let names = names
        .zip(&filled)
        .filter(|(_, f)| **f)
        .map(|(name, _)| name)
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| {
            row.into_iter()
                .zip(&filled)
                .filter(|(_, f)| **f)
                .map(|(cell, _)| cell)
                .collect()
        })
        .collect();
    (names, rows)
}

fn facts_of(readings: &Readings) -> Vec<(&'static str, String)> {
    let order = |name: &str| HOST_FACTS.iter().position(|f| f.name == name);
    let mut facts = readings.host_facts.clone();
    facts.sort_by_key(|(name, _)| order(name));
    facts
}

fn as_json((effort, outcome): &Attempt, trial: &Trial) -> Value {
    let profiles: Vec<Value> = trial
        .profiles
        .iter()
        .map(|p| {
            let sections = p.sections.iter().map(|s| {
                let objects = s.objects.iter().map(|o| json!({"oid": o.oid, "rows": o.found, "sample": o.sample}));
                json!({
                    "fills": s.fills, "entry": s.entry, "outcome": s.outcome, "rows": s.rows,
                    "kept": s.kept, "objects": objects.collect::<Vec<_>>(),
                })
            });
            json!({"name": p.name, "used": p.used, "why": p.why, "sections": sections.collect::<Vec<_>>()})
        })
        .collect();
    let mut answer = json!({
        "version": 1,
        "requests": effort.requests,
        "retries": effort.retries,
        "bytes": effort.bytes,
        "profiles": profiles,
    });
    match outcome {
        Ok(readings) => {
            let tables = readings
                .tables
                .iter()
                .filter(|t| !t.rows.is_empty())
                .map(|table| {
                    let (columns, rows) = rows_of(table);
                    json!({"table": table.table.name, "columns": columns, "rows": rows})
                });
            answer["tables"] = tables.collect();
            answer["facts"] = facts_of(readings)
                .into_iter()
                .map(|(n, v)| (n.to_owned(), json!(v)))
                .collect();
            answer["problems"] = json!(readings.problems);
            answer["error"] = Value::Null;
        }
        Err(failure) => answer["error"] = json!(failure.message),
    }
    answer
}

/// What matched first, then what did not, then the rows.
fn as_text((effort, outcome): &Attempt, trial: &Trial, one: bool) -> String {
    let mut text = String::new();
    for profile in trial.profiles.iter().filter(|p| p.used) {
        text += &format!("profile {}: {}\n", profile.name, visible(&profile.why));
        for section in &profile.sections {
            let entry = section
                .entry
                .as_ref()
                .map_or(String::new(), |e| format!(" from {e}"));
            let kept = match (section.outcome, section.kept == section.rows) {
                ("read", false) => format!(", {} of {} rows kept", section.kept, section.rows),
                ("read", true) if section.rows > 1 => format!(", {} rows", section.rows),
                _ => String::new(),
            };
            text += &format!("  {}{entry}: {}{kept}\n", section.fills, section.outcome);
            for object in &section.objects {
                let found = match object.found {
                    0 => "absent".to_owned(),
                    1 => visible(&object.sample),
                    n => format!("{} … ({n} rows)", visible(&object.sample)),
                };
                text += &format!("    {:<40} {found}\n", object.oid);
            }
        }
    }
    let unused: Vec<Value> = trial
        .profiles
        .iter()
        .filter(|p| !p.used)
        .map(|p| json!([p.name, p.why]))
        .collect();
    if !unused.is_empty() && !one {
        text += "\nnot used\n";
        text += &table_of(&json!(["profile", "why"]), &json!(unused));
    }
    text += &format!(
        "\n{} requests, {} retries, {} bytes\n",
        effort.requests, effort.retries, effort.bytes
    );
    match outcome {
        Err(failure) => text += &format!("failed: {}\n", visible(&failure.message)),
        Ok(readings) => {
            for problem in &readings.problems {
                text += &format!("problem: {}\n", visible(problem));
            }
            let facts: Vec<Value> = facts_of(readings)
                .iter()
                .map(|(n, v)| json!([n, v]))
                .collect();
            text += "\nhost\n";
            text += &table_of(&json!(["fact", "value"]), &json!(facts));
            for table in readings.tables.iter().filter(|t| !t.rows.is_empty()) {
                let (columns, rows) = rows_of(table);
                text += &format!("\n{}\n", table.table.name);
                text += &table_of(&json!(columns), &json!(rows));
            }
        }
    }
    text
}
