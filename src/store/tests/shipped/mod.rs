//! The shipped queries against seeded histories ([`worlds`]) whose answers are worked out by hand:
//! `tests/data/queries/NAME.txt` holds them with the arithmetic beside them. What does not depend on
//! the clock on the wall is asked from three time zones and must be the same in all.

mod answers;
mod check;
mod devices;
mod disks;
mod large;
mod ledger;
mod load;
mod reach;
mod traffic;
mod world;

use super::*;
use crate::query::{Asked, Query};
use world::World;

const ZONES: [&str; 3] = ["UTC", "Asia/Shanghai", "America/New_York"];

type Make = fn() -> World;

/// The seeded histories by the names that the files of answers use.
const WORLDS: [(&str, Make); 7] = [
    ("reach", reach::world),
    ("traffic", traffic::world),
    ("quiet-ports", traffic::quiet),
    ("load", load::world),
    ("disks", disks::world),
    ("devices", devices::world),
    ("ledger", ledger::world),
];

/// Names of all shipped queries.
fn names() -> Vec<String> {
    let directory = format!("{}/queries", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .map(|file| file.strip_suffix(".sql").expect("a query").to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 30, "{names:?}");
    names
}

fn query(name: &str) -> Query {
    let path = format!("queries/{name}.sql");
    let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    Query::parse(&path, &text).unwrap()
}

/// Seconds since 1970 of an instant as written in the files of answers.
fn at(text: &str) -> i64 {
    let instant: jiff::Timestamp = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    instant.as_second()
}
