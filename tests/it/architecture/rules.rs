//! The import table.

use super::scan::{Reference, module_of, references};

/// Pure data in, data out: no clock, no I/O, no logging.
const DOMAIN: &[&str] = &[
    "reading",
    "table",
    "signal",
    "intake",
    "identity",
    "counter",
    "health",
    "query",
    "report",
    "inventory",
    "profile",
    "schedule",
    "alert",
    "trap",
    "push",
    "machine",
    "prometheus",
    "import",
];
/// Each owns one thing of the outside world.
const EDGES: &[&str] = &["home", "collect", "store", "render", "mail", "mib"];
const ABOVE: &[&str] = &["loops", "web", "simulate", "cli", "app", "agent"];

/// Who alone may name the crate.
const CRATES: &[(&str, &str)] = &[
    ("duckdb", "store"),
    ("snmp2", "collect::snmp"),
    ("ssh2", "collect::ssh"),
    ("sysinfo", "collect::local"),
    ("warp", "web"),
    ("lettre", "mail"),
    ("mib_rs", "mib"),
    ("minijinja", "render"),
    ("x509_parser", "collect::http"),
    ("resvg", "render"),
    ("croner", "report"),
];

/// What pure code does without.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::os",
    "tracing",
    "log",
    "libc",
    "tokio",
    "rand",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A room imports a room that it must not know.
    Room,
    /// A crate outside the room that owns it.
    Crate,
    /// A clock, I/O or a log in the domain.
    Pure,
}

#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) rule: Rule,
    pub(super) message: String,
}

/// What the file below `src/` refers to although it must not.
pub(super) fn violations(path: &str, text: &str) -> Vec<Violation> {
    let module = module_of(path);
    let references = references(path, text);
    let broken = references.iter().filter_map(|reference| {
        let (rule, why) = check(&module, reference)?;
        let place = format!("{path}:{}", reference.line);
        Some(Violation {
            rule,
            message: format!("{place}: {}: {why}", reference.path.join("::")),
        })
    });
    broken.collect()
}

fn check(module: &[String], reference: &Reference) -> Option<(Rule, String)> {
    let here = module.first().map_or("lib", String::as_str);
    if reference.inside {
        let there = reference.path.first()?;
        return (!may_import(module, here, &reference.path, there)).then(|| {
            let why = format!("{} must not know {there}", module.join("::"));
            (Rule::Room, why)
        });
    }
    let path = reference.path.join("::");
    let owner = CRATES.iter().find(|(name, _)| reference.path[0] == *name);
    if let Some((name, owner)) = owner
        && !is_within(&module.join("::"), owner)
    {
        return Some((Rule::Crate, format!("only {owner} knows {name}")));
    }
    let impure = IMPURE.iter().any(|name| is_within(&path, name)) || is_clock(&reference.path);
    let signals = here == "signal" && is_within(&path, "tokio::sync");
    (impure && DOMAIN.contains(&here) && !reference.in_test && !signals).then(|| {
        (
            Rule::Pure,
            "the domain has no clock, no I/O and no log".to_owned(),
        )
    })
}

fn may_import(module: &[String], here: &str, path: &[String], there: &str) -> bool {
    let known = |room: &str| {
        [DOMAIN, EDGES, ABOVE]
            .iter()
            .any(|rooms| rooms.contains(&room))
    };
    if !known(there) {
        // An item of the crate's root, or a name that is no room.
        return known(here) || matches!(here, "lib" | "main");
    }
    let domain = DOMAIN.contains(&there);
    match here {
        "lib" | "main" | "cli" => true,
        "app" => !["cli", "simulate"].contains(&there),
        "simulate" => domain || there == "simulate" || is_codec(path),
        "agent" => {
            domain || there == "agent" || path.starts_with(&["collect".into(), "local".into()])
        }
        "loops" => domain || EDGES.contains(&there) || there == "loops",
        "web" => domain || ["web", "store", "render", "home"].contains(&there),
        "collect" if there == "collect" => is_own_collector(module, path),
        here if EDGES.contains(&here) => domain || there == here,
        here if DOMAIN.contains(&here) => domain,
        _ => false,
    }
}

/// `collect` itself knows its collectors; a collector knows `collect` and itself, not its sisters.
fn is_own_collector(module: &[String], path: &[String]) -> bool {
    const COLLECTORS: [&str; 6] = ["snmp", "ssh", "local", "http", "ping", "tcp"];
    let sister = path
        .get(1)
        .is_some_and(|name| COLLECTORS.contains(&name.as_str()));
    module.len() == 1 || !sister || path.get(1) == module.get(1)
}

/// The messages of SNMP, which is all that whoever answers shares with whoever asks.
fn is_codec(path: &[String]) -> bool {
    path.starts_with(&["collect", "snmp", "codec"].map(String::from))
}

/// `Timestamp::now`, `Zoned::now`, `Utc::now`: whatever the crate, it asks the clock.
fn is_clock(path: &[String]) -> bool {
    path.len() > 1 && path.last().is_some_and(|name| name == "now")
}

fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
