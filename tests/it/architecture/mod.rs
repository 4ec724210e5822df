//! The house keeps its shape: who may import whom, which crate belongs to which room, how long a file
//! may be. Every rule is proven by a planted violation.

mod rules;
mod scan;

use std::path::{Path, PathBuf};
use std::process::Command;

use rules::{Rule, violations};

/// The longest file we want to read.
const MAX_LINES: usize = 400;

#[test]
fn rooms_import_only_what_they_may() {
    let files = sources("src");
    assert!(files.len() > 40, "only {} source files found", files.len());
    let found: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| violations(path, text))
        .map(|violation| violation.message)
        .collect();
    assert!(
        found.is_empty(),
        "{} violations:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn planted_violations_are_found() {
    let planted = [
        (Rule::Room, "src/counter.rs", "use crate::store::Recorder;"),
        (
            Rule::Room,
            "src/alert/step.rs",
            "use crate::{reading::Row, loops::writer::Writer};",
        ),
        (
            Rule::Room,
            "src/alert/mod.rs",
            "fn f() { let x = crate::home::Home::at(p); }",
        ),
        (Rule::Room, "src/store/mod.rs", "use crate::render::page;"),
        (
            Rule::Room,
            "src/mail.rs",
            "use crate::{\n  reading::{Row, Value},\n  collect::{snmp::{engine}},\n};",
        ),
        (Rule::Room, "src/loops/poller.rs", "use crate::web::Parts;"),
        (Rule::Room, "src/loops/poller.rs", "use super::super::web;"),
        (
            Rule::Room,
            "src/web/mod.rs",
            "use crate::loops::writer::Writer;",
        ),
        (
            Rule::Room,
            "src/web/pages.rs",
            "use super::super::mail::send;",
        ),
        (
            Rule::Room,
            "src/web/mod.rs",
            "#[cfg(test)] mod tests { use crate::collect::Context; }",
        ),
        (
            Rule::Room,
            "src/collect/ssh/pool.rs",
            "use crate::collect::snmp::engine;",
        ),
        (Rule::Room, "src/collect/local.rs", "use super::ssh::text;"),
        (Rule::Room, "src/store/append.rs", "use crate::app::start;"),
        (Rule::Room, "src/app.rs", "use crate::cli::Cli;"),
        (Rule::Room, "src/app.rs", "use crate::simulate::Fleet;"),
        (
            Rule::Room,
            "src/simulate/mod.rs",
            "use crate::collect::snmp::Engine;",
        ),
        (Rule::Room, "src/unheard_of.rs", "use crate::reading::Row;"),
        (Rule::Crate, "src/web/query.rs", "use duckdb::Connection;"),
        (
            Rule::Crate,
            "src/collect/ssh/pool.rs",
            "fn f() -> snmp2::Pdu<'static> { g('\"') }",
        ),
        (Rule::Crate, "src/collect/mod.rs", "use ssh2 as s;"),
        (
            Rule::Crate,
            "src/app.rs",
            "let s = ::sysinfo::System::new();",
        ),
        (Rule::Crate, "src/cli/serve.rs", "warp::serve(routes);"),
        (
            Rule::Crate,
            "src/loops/notifier.rs",
            "use {lettre::Message, std::fmt};",
        ),
        (
            Rule::Crate,
            "src/web/pages.rs",
            "use minijinja::{Environment, context};",
        ),
        (
            Rule::Pure,
            "src/schedule.rs",
            "let now = std::time::Instant::now();",
        ),
        (
            Rule::Pure,
            "src/counter.rs",
            "use jiff::Timestamp; fn f() { Timestamp::now(); }",
        ),
        (
            Rule::Pure,
            "src/inventory/mod.rs",
            "fn f() { std::fs::read(path); }",
        ),
        (
            Rule::Pure,
            "src/inventory/mod.rs",
            "use std::{fmt, net::TcpStream};",
        ),
        (
            Rule::Pure,
            "src/alert/mod.rs",
            "fn f() { tracing::info!(\"x\"); }",
        ),
        (Rule::Pure, "src/schedule.rs", "use tokio::time::Duration;"),
        (Rule::Pure, "src/signal.rs", "use tokio::{sync::watch, fs};"),
    ];
    for (rule, path, text) in planted {
        let mut found: Vec<Rule> = violations(path, text).iter().map(|v| v.rule).collect();
        found.dedup();
        assert_eq!(found, [rule], "{path}: {text}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    let allowed = [
        (
            "src/counter.rs",
            "use crate::reading::{Row, Value}; use super::table::Table;",
        ),
        ("src/signal.rs", "use tokio::sync::oneshot;"),
        (
            "src/inventory/host.rs",
            "use super::credential::Secret; use std::net::SocketAddr; use std::time::Duration;",
        ),
        (
            "src/inventory/mod.rs",
            "#[cfg(test)] mod tests { use super::*; fn f() { std::fs::read(p); } }",
        ),
        (
            "src/collect/mod.rs",
            "use snmp::Engine; fn f() { self::ssh::poll(); crate::collect::local::poll(); }",
        ),
        (
            "src/collect/ssh/pool.rs",
            "use ssh2::Session; use crate::collect::Context; use super::text;",
        ),
        (
            "src/loops/writer.rs",
            "use crate::store::Recorder; use crate::intake::Intake; use tracing::warn;",
        ),
        (
            "src/cli/mod.rs",
            "use crate::web::Parts; use crate::loops::writer::Writer;",
        ),
        ("src/main.rs", "fn main() { eider::cli::run(); }"),
        (
            "src/simulate/answer.rs",
            "use crate::collect::snmp::codec::{self, Request}; use super::object::Objects;",
        ),
        (
            "src/counter.rs",
            "// use crate::store::Recorder;\n/* duckdb::x /* y */ */ fn f() { g(\"crate::store::x\", r#\"\"ssh2::y\"#, '\"'); }",
        ),
        (
            "src/web/mod.rs",
            "fn f() { self.duckdb(); x.duckdb; let duckdb = 1; my::duckdb::x(); }",
        ),
    ];
    for (path, text) in allowed {
        let found: Vec<String> = violations(path, text)
            .into_iter()
            .map(|v| v.message)
            .collect();
        assert!(found.is_empty(), "{text}\n{found:?}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for (path, text) in sources(folder) {
            found.extend(shape_problem(&path, &text));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn planted_shapes_are_found() {
    assert!(shape_problem("a.rs", &("//! Doc.\n".to_owned() + &"\n".repeat(MAX_LINES))).is_some());
    assert!(shape_problem("a.rs", "use std::fmt;\n").is_some());
    assert!(shape_problem("a.rs", "//!\nuse std::fmt;\n").is_some());
    assert!(shape_problem("src/utils.rs", "//! Doc.\n").is_some());
    assert!(
        shape_problem(
            "a.rs",
            &("//! Doc.\n".to_owned() + &"\n".repeat(MAX_LINES - 1))
        )
        .is_none()
    );
}

fn shape_problem(path: &str, text: &str) -> Option<String> {
    const BANNED: [&str; 6] = ["utils", "util", "common", "types", "manager", "helpers"];
    let lines = text.lines().count();
    if lines > MAX_LINES {
        return Some(format!("{path}: {lines} lines, more than {MAX_LINES}"));
    }
    let doc = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("//!"));
    if doc.is_none_or(|doc| doc.trim().is_empty()) {
        return Some(format!("{path}: does not begin with a `//!` doc"));
    }
    let named = |module: &&&str| {
        Path::new(path).iter().any(|part| {
            part.to_str()
                .is_some_and(|p| p.trim_end_matches(".rs") == **module)
        })
    };
    let banned = BANNED.iter().find(named)?;
    Some(format!(
        "{path}: a module named {banned} says nothing about what it holds"
    ))
}

#[test]
fn no_tracked_file_names_a_machine_or_a_registry() {
    let files = tracked_files();
    assert!(files.len() > 60, "only {} files found", files.len());
    let mut found = Vec::new();
    for path in files {
        // Written by cargo, which puts its index there.
        if path.ends_with("Cargo.lock") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue;
        };
        let lines = text.lines().enumerate();
        found.extend(lines.filter_map(|(i, line)| {
            foreign_name(line).map(|name| format!("{}:{}: {name}", path.display(), i + 1))
        }));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn planted_names_are_found() {
    for line in [
        concat!("cd /wo", "rk/here"),
        concat!("curl https://crates", ".io/x"),
        concat!("https://registry.npm", "js.org"),
        concat!("pip install -i https://py", "pi.org/simple"),
    ] {
        assert!(foreign_name(line).is_some(), "{line}");
    }
    assert!(foreign_name("systemd/work/x and /workshop").is_none());
}

/// A registry's host name, or a path of the machine that this was written on.
fn foreign_name(line: &str) -> Option<&'static str> {
    const NAMES: [&str; 6] = [
        concat!("crates", ".io"),
        concat!("npm", "js."),
        concat!("py", "pi.org"),
        concat!("pythonhost", "ed.org"),
        concat!("proxy.gol", "ang.org"),
        concat!("npmmir", "ror.com"),
    ];
    const PLACE: &str = concat!("/wo", "rk/");
    let place = line.match_indices(PLACE).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}".contains(c))
    });
    if place {
        return Some(PLACE);
    }
    NAMES.into_iter().find(|name| line.contains(name))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the folder: path from the checkout's root, and text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
                let name = path.strip_prefix(root()).expect("below the root");
                found.push((name.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

/// What git tracks, and what it would track; in an unpacked archive, what the folders hold.
fn tracked_files() -> Vec<PathBuf> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = git
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success());
    let Some(listed) = listed else {
        return ["src", "tests", "benches"]
            .into_iter()
            .flat_map(sources)
            .map(|(path, _)| path.into())
            .collect();
    };
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect()
}
