//! `eider simulate`: SNMP devices on loopback, to try things out.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::builder::{PossibleValue, PossibleValuesParser};

use serde_json::json;

use super::output;
use crate::inventory::{AuthProtocol, PrivProtocol, Secret, UsmAuth, UsmPrivacy, UsmUser};
use crate::simulate::{
    Faults, Fleet, LONGEST_REPLY, MISCHIEF, MOST_DEVICES, Mischief, Options, Recording, Shape,
};

/// RFC 3414 section 11.2.
const SHORTEST_PASSWORD: usize = 8;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many devices [default: 1, or one per recording or mischief]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DEVICES)))]
    devices: Option<u32>,
    /// Ports of each invented device
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    ports: u32,
    /// Play this .snmprec file (OID|type|value) instead of inventing; again for more
    #[arg(long, value_name = "FILE")]
    recording: Vec<PathBuf>,
    /// The first device's address, in 127.0.0.0/8; the others follow [default: 127.0.0.1, a fleet 127.1.0.1]
    #[arg(long, value_name = "ADDR")]
    address: Option<Ipv4Addr>,
    /// UDP port (0: any free one)
    #[arg(long, value_name = "PORT", default_value_t = 1161)]
    port: u16,
    /// Only who knows this community is answered
    #[arg(long, value_name = "TEXT", default_value = "public")]
    community: String,
    /// Answer this user by version 3 too
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How the user's messages are signed
    #[arg(long, value_name = "PROTOCOL", requires = "user", requires = "auth_secret", value_parser = auth_protocol)]
    auth: Option<AuthProtocol>,
    /// The password for it, at least 8 characters
    #[arg(long, value_name = "TEXT", requires = "auth", value_parser = password)]
    auth_secret: Option<String>,
    /// How the user's messages are encrypted
    #[arg(long = "priv", value_name = "PROTOCOL", requires = "auth", requires = "priv_secret", value_parser = priv_protocol)]
    privacy: Option<PrivProtocol>,
    /// The password for it, at least 8 characters
    #[arg(long, value_name = "TEXT", requires = "privacy", value_parser = password)]
    priv_secret: Option<String>,
    /// Misbehave in this way; again for more, then devices take turns. `all`: in every way there is
    #[arg(long, value_name = "HOW", value_parser = mischief())]
    mischief: Vec<String>,
    /// Everything invented, and every chance, follows from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the hosts for inventory/hosts.yaml, and end
    #[arg(long)]
    inventory: bool,
    /// Lose so many replies
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    loss: f64,
    /// Send so many replies twice
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    duplicate: f64,
    /// Let so many replies be overtaken
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    reorder: f64,
    /// Answer about so much later
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    delay: u64,
    /// A reply longer than this is refused as too big
    #[arg(long, value_name = "BYTES", default_value_t = 1_472, value_parser = bytes)]
    too_big: usize,
    /// No 64-bit counters
    #[arg(long)]
    counters32: bool,
    /// Each device starts anew once in so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    reboot_every: u32,
    /// The ports of each device change their numbers once in so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    renumber_every: u32,
}

fn auth_protocol(text: &str) -> Result<AuthProtocol, String> {
    let known = AuthProtocol::ALL.into_iter().find(|p| p.as_str() == text);
    let words = AuthProtocol::ALL.map(AuthProtocol::as_str).join(", ");
    known.ok_or_else(|| format!("none of {words}"))
}

fn priv_protocol(text: &str) -> Result<PrivProtocol, String> {
    let known = PrivProtocol::ALL.into_iter().find(|p| p.as_str() == text);
    let words = PrivProtocol::ALL.map(PrivProtocol::as_str).join(", ");
    known.ok_or_else(|| format!("none of {words}"))
}

fn password(text: &str) -> Result<String, String> {
    match text.len() < SHORTEST_PASSWORD {
        true => Err("shorter than 8 characters".into()),
        false => Ok(text.into()),
    }
}

/// The words of all mischief, each with its help.
fn mischief() -> PossibleValuesParser {
    let every = MISCHIEF
        .iter()
        .map(|(_, word, about)| PossibleValue::new(*word).help(*about));
    PossibleValuesParser::new(every.chain([PossibleValue::new("all").help("all of these")]))
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| "not a number")?;
    if (0.0..=100.0).contains(&number) {
        Ok(number / 100.0)
    } else {
        Err("not from 0 to 100".into())
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "not a whole number")?;
    if (100..=LONGEST_REPLY).contains(&number) {
        Ok(number)
    } else {
        Err(format!("not from 100 to {LONGEST_REPLY}"))
    }
}

/// Plays until it is stopped.
/// Says on stderr which lines of a recording are left out because they cannot be read.
pub(super) fn tell_damage(path: &Path, recording: &Recording) {
    if let Some(error) = &recording.first_damage {
        let (path, line, why) = (path.display(), error.line, error.why);
        let damaged = recording.damaged;
        eprintln!("{path}: {damaged} damaged lines left out, the first at {path}:{line}: {why}");
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let options = options(args)?;
    if args.inventory {
        output::print(&hosts(&options))?;
        return Ok(super::EXIT_OK);
    }
    let (first, port) = (options.first, options.port);
    let devices = options.devices;
    let versions = match options.user {
        Some(_) => "1, 2c and 3",
        None => "1 and 2c",
    };
    let fleet = Fleet::open(options)
        .with_context(|| format!("cannot play {devices} devices from {first} on udp/{port}"))?;
    let last = fleet.address(devices - 1);
    let range = match devices {
        1 => format!("{first}"),
        _ => format!("{first} to {last}"),
    };
    let plural = if devices == 1 { "device" } else { "devices" };
    output::print(&format!(
        "{devices} {plural} on {range}, udp/{}, SNMP {versions}; Ctrl-C ends it\n",
        fleet.port()
    ))?;
    fleet.run().context("the simulation stopped")?;
    Ok(super::EXIT_OK)
}

fn options(args: &Args) -> anyhow::Result<Options> {
    let mut recordings = Vec::new();
    for path in &args.recording {
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let recording = Recording::parse(&text).with_context(|| format!("{}", path.display()))?;
        if recording.skipped > 0 {
            let (file, skipped) = (path.display(), recording.skipped);
            eprintln!("{file}: {skipped} computed values left out");
        }
        tell_damage(path, &recording);
        recordings.push(recording);
    }
    let mischief: Vec<Mischief> = match args.mischief.iter().any(|word| word == "all") {
        true => MISCHIEF.iter().map(|(mischief, ..)| *mischief).collect(),
        false => args
            .mischief
            .iter()
            .filter_map(|w| Mischief::from_word(w))
            .collect(),
    };
    let different = recordings.len().max(mischief.len()).max(1) as u32;
    let devices = args.devices.unwrap_or(different);
    let first = args.address.unwrap_or(match devices {
        1 => Ipv4Addr::LOCALHOST,
        _ => Ipv4Addr::new(127, 1, 0, 1),
    });
    Ok(Options {
        first,
        port: args.port,
        devices,
        community: args.community.clone(),
        user: user(args),
        mischief,
        shape: Shape {
            seed: args.seed,
            ports: args.ports,
            counters32: args.counters32,
            reboot_every_ms: u64::from(args.reboot_every) * 1_000,
            renumber_every_ms: u64::from(args.renumber_every) * 1_000,
        },
        recordings,
        faults: Faults {
            loss: args.loss,
            duplicate: args.duplicate,
            reorder: args.reorder,
            delay: Duration::from_millis(args.delay),
        },
        longest_reply: args.too_big,
    })
}

fn user(args: &Args) -> Option<UsmUser> {
    let privacy = || {
        Some(UsmPrivacy {
            protocol: args.privacy?,
            secret: Secret::new(args.priv_secret.as_ref()?),
        })
    };
    let auth = || {
        Some(UsmAuth {
            protocol: args.auth?,
            secret: Secret::new(args.auth_secret.as_ref()?),
            privacy: privacy(),
        })
    };
    Some(UsmUser {
        name: args.user.clone()?,
        context: String::new(),
        auth: auth(),
    })
}

/// The credential of the fleet; JSON is YAML.
fn credential(options: &Options) -> serde_json::Value {
    let Some(user) = &options.user else {
        return json!({"type": "snmp-v2c", "community": options.community});
    };
    let mut credential = json!({"type": "snmp-v3", "user": user.name});
    if let Some(auth) = &user.auth {
        credential["auth"] = auth.protocol.as_str().into();
        credential["auth_secret"] = auth.secret.expose().into();
        if let Some(privacy) = &auth.privacy {
            credential["priv"] = privacy.protocol.as_str().into();
            credential["priv_secret"] = privacy.secret.expose().into();
        }
    }
    credential
}

/// The fleet as an inventory file.
fn hosts(options: &Options) -> String {
    let mut text = format!(
        "version: 1\n\ncredentials:\n  simulated: {}\n\nhosts:\n",
        credential(options)
    );
    for device in 0..options.devices {
        let address = Ipv4Addr::from(u32::from(options.first).saturating_add(device));
        let _ = writeln!(
            text,
            "  sim-{:05}: {{address: {address}, collect: [snmp], credential: simulated, snmp: {{port: {}}}}}",
            device + 1,
            options.port
        );
    }
    text
}
