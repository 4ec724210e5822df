//! Real devices as they were recorded, asked by our engine, against rows that people wrote by hand from
//! the MIBs: `tests/data/snmp/NAME.snmprec` and `NAME.yaml` beside it (`NAME.v1.yaml` for a second
//! look by version 1); other files are not looked at. `tests/data/README.md` tells where they come from and how to add one.

mod compare;
mod expected;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eider::collect::snmp::Engine;
use eider::home::Home;
use eider::intake::Intake;
use eider::inventory::{
    self, Access, Host, Inventory, NoSecrets, Secret, SnmpAccess, SnmpAuth, SourceFile, Target,
};
use eider::profile::{Profile, ProfileSet};
use eider::reading::{Collection, Method, Readings, Value};
use eider::simulate::{Control, Faults, Fleet, Options, Recording, Shape};
use eider::store::{Cell, Question, Store};
use eider::table::Column;

use crate::support::PATIENCE;
use compare::differences;
use expected::{Expected, Version};

const COMMUNITY: &str = "public";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/snmp")
}

/// What is expected of a recording, and the file that says so.
struct Case {
    name: String,
    recording: Vec<u8>,
    expected: Expected,
}

/// Every `*.yaml` of the folder with the recording it speaks of, in the order of names.
fn cases() -> Vec<Case> {
    let names = std::fs::read_dir(folder()).expect("tests/data/snmp");
    let mut names: Vec<String> = names
        .map(|entry| entry.expect("an entry").file_name().into_string())
        .map(|name| name.expect("a name in UTF-8"))
        .collect();
    names.sort();
    let recorded = |stem: &str| names.contains(&format!("{stem}.snmprec"));
    let stem = |name: &String| name.split('.').next().unwrap_or_default().to_string();
    let said = |name: &&String| name.ends_with(".yaml") && recorded(&stem(name));
    for name in names.iter().filter(|n| n.ends_with(".snmprec")) {
        let beside = names.contains(&format!("{}.yaml", stem(name)));
        assert!(beside, "nothing says what to expect of {name}");
    }
    let case = |name: &String| {
        let stem = stem(name);
        let recording = std::fs::read(folder().join(format!("{stem}.snmprec")));
        let text = std::fs::read_to_string(folder().join(name)).expect(name);
        Case {
            name: name.clone(),
            recording: recording.unwrap_or_else(|e| panic!("{stem}.snmprec: {e}")),
            expected: Expected::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}")),
        }
    };
    names.iter().filter(said).map(case).collect()
}

/// All recordings played at once, one address each.
struct Played {
    control: Control,
    runner: Option<JoinHandle<()>>,
    targets: Vec<Arc<Target>>,
}

impl Played {
    fn start(cases: &[Case], profiles: &ProfileSet) -> Played {
        let recording = |case: &Case| {
            let parsed = Recording::parse(&case.recording);
            parsed.unwrap_or_else(|e| panic!("{}: {e}", case.name))
        };
        let options = Options {
            first: Ipv4Addr::new(127, 3, 0, 1),
            port: 0,
            devices: cases.len() as u32,
            community: COMMUNITY.into(),
            user: None,
            mischief: Vec::new(),
            shape: Shape {
                seed: 1,
                ports: 1,
                counters32: false,
                reboot_every_ms: 0,
                renumber_every_ms: 0,
            },
            recordings: cases.iter().map(recording).collect(),
            faults: Faults::default(),
            longest_reply: 1_472,
        };
        let fleet = Fleet::open(options).expect("addresses of loopback");
        let control = fleet.control();
        let targets = (0..).zip(cases);
        let targets = targets
            .map(|(i, case)| target(&fleet, i, case, profiles))
            .collect();
        let runner = std::thread::spawn(move || fleet.run().expect("a sound socket"));
        Played {
            control,
            runner: Some(runner),
            targets,
        }
    }

    /// Polls every device once, all at the same time.
    async fn poll(&self, engine: &Engine, ts: i64) -> Vec<Collection> {
        let polls = self.targets.iter().map(|target| async move {
            let Access::Snmp(access) = &target.access else {
                unreachable!("an SNMP target");
            };
            let begun = Instant::now();
            let (effort, outcome) = engine.collect(target, access, begun + target.timeout).await;
            Collection {
                host: target.host.clone(),
                way: Method::Snmp.into(),
                ts,
                took: begun.elapsed(),
                read_at_ms: self.control.elapsed_ms(),
                effort,
                outcome,
            }
        });
        futures_util::future::join_all(polls).await
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(runner) = self.runner.take() {
            let _ = runner.join();
        }
    }
}

/// The inventory of a home without any file of its own: the profiles that ship, and their tables.
fn shipped() -> Inventory {
    let nowhere = Home::at(&folder()).expect("a path");
    let mut files = nowhere.profile_files().expect("profiles in the binary");
    files.push(SourceFile::new("inventory/hosts.yaml", "hosts: {}"));
    let (inventory, problems) = inventory::load(&files, &NoSecrets);
    inventory.unwrap_or_else(|| panic!("{problems:?}"))
}

/// The profile with `every:` taken out: the second poll must say again what the first said.
fn at_every_poll(profile: &Arc<Profile>) -> Arc<Profile> {
    let mut profile = Profile::clone(profile);
    for section in &mut profile.sections {
        section.every = None;
    }
    Arc::new(profile)
}

fn target(fleet: &Fleet, device: u32, case: &Case, profiles: &ProfileSet) -> Arc<Target> {
    let community = Secret::new(COMMUNITY);
    Arc::new(Target {
        host: case.name.as_str().into(),
        way: Method::Snmp.into(),
        address: fleet.address(device).to_string(),
        interval: Duration::from_secs(60),
        timeout: PATIENCE,
        access: Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            profiles: profiles.clone(),
            port: fleet.port(),
            auth: match case.expected.version {
                Version::V1 => SnmpAuth::V1 { community },
                Version::V2c => SnmpAuth::V2c { community },
            },
        }),
    })
}

/// The shipped inventory with these hosts.
fn with_hosts(mut inventory: Inventory, targets: &[Arc<Target>]) -> Inventory {
    for target in targets {
        let host = Host {
            name: target.host.clone(),
            address: target.address.clone(),
            groups: Vec::new(),
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: vec![target.clone()],
            origins: Vec::new(),
        };
        inventory.hosts.insert(host.name.clone(), Arc::new(host));
    }
    inventory
}

/// The differences of one poll, each line with the file in front.
fn compared(cases: &[Case], polled: &[Collection], which: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (case, collection) in cases.iter().zip(polled) {
        let found = match &collection.outcome {
            Ok(readings) => differences(&case.expected, readings),
            Err(failure) => vec![failure.message.clone()],
        };
        let named = |line: String| format!("{} ({which} poll): {line}", case.name);
        all.extend(found.into_iter().map(named));
    }
    all
}

fn print_rows(name: &str, readings: &Readings) {
    println!("{name}: facts {:?}", readings.host_facts);
    println!("{name}: problems {:?}", readings.problems);
    for table in &readings.tables {
        println!("{name}: {} has {} rows", table.table.name, table.rows.len());
        for row in &table.rows {
            let entity = row.entity.as_ref().map_or("", |e| &e.name);
            let told = |columns: &[Column], values: &[Value]| -> Vec<String> {
                let told = columns.iter().zip(values).filter(|(_, v)| !v.is_null());
                told.map(|(c, v)| format!("{}={v:?}", c.name)).collect()
            };
            let values = told(table.table.columns, &row.values);
            let facts = told(table.table.facts, &row.facts);
            println!("{name}:   {entity:?} {values:?} {facts:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_device_gives_the_rows_written_by_hand() {
    let cases = cases();
    assert!(cases.len() > 1, "the recordings are there");
    let inventory = shipped();
    let profiles = ProfileSet {
        profiles: inventory.profiles.iter().map(at_every_poll).collect(),
        pinned: false,
    };
    let played = Played::start(&cases, &profiles);
    let engine = Engine::start().expect("sockets");
    let first = played.poll(&engine, 1_700_000_000).await;
    let second = played.poll(&engine, 1_700_000_060).await;
    let mut found = compared(&cases, &first, "first");
    // The first looks everything up, the second asks for what is known: both must say the same.
    found.extend(compared(&cases, &second, "second"));
    for (case, collection) in cases.iter().zip(&first) {
        if let Ok(readings) = &collection.outcome {
            print_rows(&case.name, readings);
        }
    }
    assert!(
        found.is_empty(),
        "{} differences:\n{}",
        found.len(),
        found.join("\n")
    );
    let inventory = with_hosts(inventory, &played.targets);
    stored(&inventory, &[first, second]);
}

/// Everything read can be stored, and stands in the view of its table.
fn stored(inventory: &Inventory, rounds: &[Vec<Collection>]) {
    let (store, mut recorder) = Store::in_memory().expect("an empty history");
    let mut intake = Intake::of_tables(&inventory.tables);
    let ids = recorder.sync_hosts(inventory, 1_700_000_000);
    intake.sync(inventory, ids.expect("new hosts"));
    for round in rounds {
        let batch: Vec<_> = round
            .iter()
            .filter_map(|c| intake.take(c.clone()))
            .collect();
        assert_eq!(batch.len(), inventory.hosts.len());
        recorder.append(&batch).expect("rows are kept");
    }
    let mut read: BTreeMap<&str, usize> = BTreeMap::new();
    for collection in rounds.iter().flatten() {
        let tables = &collection.outcome.as_ref().expect("a good poll").tables;
        for table in tables {
            *read.entry(table.table.name).or_default() += table.rows.len();
        }
    }
    // Of the processes only the greatest are kept.
    read.remove("process");
    assert!(read.len() >= 5, "{read:?}");
    for (table, rows) in read {
        let question = Question::new(format!("SELECT count(*) FROM {table}"));
        let answer = store.ask_blocking(&question).expect("a count");
        assert_eq!(answer.rows[0][0], Cell::Int(rows as i128), "{table}");
    }
}
