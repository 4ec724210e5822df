//! A user's own profile in the running daemon, on a real snmpd whose table is made of a file.

use std::path::PathBuf;

use eider::intake::{NewEntity, PollRow, Stored, StoredRow, StoredTable};
use eider::inventory::{self, Inventory, NoSecrets, SourceFile};
use eider::reading::{Effort, EntityKey, Method, Value};
use eider::store::{Options, Store, sealed::Switched};
use serde_json::{Value as Json, json};

use crate::support::{Daemon, PATIENCE, Smtp, Snmpd, TestHome, wait_until};

const SERVE: [&str; 2] = ["--rules-every", "1"];

/// snmpd runs `cat FILE` for each of these and shows the line in NET-SNMP-EXTEND-MIB.
struct Boilers {
    snmpd: Snmpd,
    directory: tempfile::TempDir,
}

impl Boilers {
    fn start(names: &[&str]) -> Boilers {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let line = |name: &&str| {
            let file = directory.path().join(name);
            std::fs::write(&file, "0\n").expect("a file");
            format!("extend -cacheTime 1 {name} /bin/cat {}\n", file.display())
        };
        let lines: String = names.iter().map(line).collect();
        Boilers {
            snmpd: Snmpd::start_with("boiler-room", &lines),
            directory,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What snmpd will tell of it: temperature and starts.
    fn set(&self, name: &str, line: &str) {
        std::fs::write(self.file(name), format!("{line}\n")).expect("a file");
    }

    fn hosts(&self) -> String {
        format!(
            "version: 1\ncredentials:\n  ro: {{type: snmp-v2c, community: public}}\nhosts:\n  \
             plant: {{address: 127.0.0.1, interval: 1s, collect: [snmp], credential: ro, snmp: {{port: {}}}}}\n",
            self.snmpd.port()
        )
    }
}

/// The profile of the boilers, with these columns besides the temperature.
fn profile(more: &str) -> String {
    format!(
        "profile: boiler
comment: Boilers of a test
match: {{has: [1.3.6.1.4.1.8072.1.3.2.3.1]}}
facts: {{vendor: {{text: Acme}}, serial: 1.3.6.1.4.1.99999.1.0}}
tables:
  - fills: boiler
    title: {{en: Boilers of the house, zh-CN: 锅炉}}
    comment: Boilers, one row per boiler and poll
    entity_column: boiler
    entry: 1.3.6.1.4.1.8072.1.3.2.3.1
    index: [{{name: name, as: string}}]
    entity: index.name
    columns:
      temperature_c: {{from: .1, number: true, kind: float, unit: °C, comment: How hot the water is}}
{more}"
    )
}

const PATH: &str = "inventory/profiles/boiler.yaml";
const WORD: &str = "      word: {from: .1, regex: '([a-z]+)', kind: text, comment: What stands behind the number}\n";

fn count(home: &TestHome, from: &str) -> i64 {
    let rows = home.rows(&format!("SELECT count(*) AS n FROM {from}"));
    rows[0]["n"].as_i64().expect("a count")
}

fn newest(home: &TestHome, columns: &str) -> Option<Json> {
    let sql =
        format!("SELECT {columns} FROM boiler WHERE boiler = 'north' ORDER BY ts DESC LIMIT 1");
    home.rows(&sql).into_iter().next()
}

fn there_is_a_table(home: &TestHome) -> bool {
    home.run(&["query", "-e", "SELECT 1 FROM boiler LIMIT 1"])
        .code
        == 0
}

#[test]
fn a_profile_comes_grows_and_goes_while_the_daemon_runs() {
    let boilers = Boilers::start(&["north", "south"]);
    boilers.set("north", "61.5 ok");
    let home = TestHome::new().with("inventory/hosts.yaml", &boilers.hosts());
    let daemon = Daemon::start(&home);
    wait_until("the host is polled", PATIENCE, || {
        count(&home, "system") > 0
    });
    assert!(!there_is_a_table(&home));

    // The folder did not exist when the daemon began to watch.
    home.write(PATH, &profile(""));
    wait_until("the new table answers", PATIENCE, || {
        there_is_a_table(&home) && newest(&home, "temperature_c").is_some()
    });
    assert_eq!(
        newest(&home, "host, temperature_c"),
        Some(json!({"host": "plant", "temperature_c": 61.5}))
    );
    assert_eq!(
        home.rows("SELECT DISTINCT boiler FROM boiler ORDER BY 1"),
        [json!({"boiler": "north"}), json!({"boiler": "south"})]
    );
    let comment = "SELECT comment FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = 'boiler' AND column_name = 'temperature_c'";
    let comment = home.rows(comment)[0]["comment"].to_string();
    assert!(comment.contains("How hot the water is"), "{comment}");

    let page = daemon.page("/hosts/plant");
    for text in ["Boilers of the house", "61.5 °C", "How hot the water is"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(daemon.page("/hosts/plant?lang=zh-CN").contains("锅炉"));
    let page = daemon.page("/hosts/plant/boiler?chart=temperature_c");
    assert!(page.contains("<figure class=\"chart\">"), "{page}");
    assert!(page.contains("<td>south</td>"), "{page}");

    // None of the objects is there; what stands in the profile is told all the same.
    let facts = home.rows("SELECT vendor, serial FROM host WHERE name = 'plant'");
    assert_eq!(facts, [json!({"vendor": "Acme", "serial": null})]);

    home.write(PATH, &profile(WORD));
    wait_until("the new column has values", PATIENCE, || {
        home.run(&["query", "-e", "SELECT word FROM boiler"]).code == 0
            && newest(&home, "word") == Some(json!({"word": "ok"}))
    });
    assert!(count(&home, "boiler WHERE word IS NULL AND temperature_c = 61.5") > 0);

    // A broken one changes nothing and is told.
    home.write(PATH, &profile("      oops: {from: nowhere}\n"));
    wait_until("the status tells it", PATIENCE, || {
        home.run(&["status"])
            .stdout
            .contains("inventory/profiles/boiler.yaml")
    });
    let before = count(&home, "boiler");
    wait_until("the old profile is polled on", PATIENCE, || {
        count(&home, "boiler") > before
    });

    std::fs::remove_file(home.path().join(PATH)).expect("the file is there");
    wait_until("it is good again", PATIENCE, || {
        home.run(&["status"]).code == 0
    });
    // Polls begun before the reload may end after it; those of the next turns do not fill it.
    let polls = count(&home, "poll");
    wait_until("two more polls", PATIENCE, || {
        count(&home, "poll") > polls + 1
    });
    let (rows, polls) = (count(&home, "boiler"), count(&home, "poll"));
    wait_until("three more polls", PATIENCE, || {
        count(&home, "poll") > polls + 2
    });
    assert_eq!(count(&home, "boiler"), rows, "it is collected no more");
    assert!(rows > 0 && count(&home, "boiler WHERE word = 'ok'") > 0);
    assert!(daemon.stop().success());
    assert_eq!(count(&home, "boiler"), rows, "and its history stays");
}

#[test]
fn a_rule_on_a_profiles_table_fires_and_mails() {
    let boilers = Boilers::start(&["north", "south"]);
    boilers.set("north", "61.5 ok");
    let smtp = Smtp::start();
    let settings = format!(
        "mail: {{smtp: \"{}\", from: eider@example.net}}\nnotify:\n  ops: {{to: [ops@example.net], group_wait: 1s}}\n",
        smtp.url()
    );
    let rule = "rules:\n  - alert: boiler-hot\n    when: boiler.temperature_c > 90\n    for: 1s\n    \
        severity: critical\n    summary: \"{{ boiler }} is at {{ value }}\"\n";
    let home = TestHome::new()
        .with("inventory/settings.yaml", &settings)
        .with("inventory/hosts.yaml", &boilers.hosts())
        .with("inventory/rules/base.yaml", rule)
        // More seldom than the host is polled, and than the host's own rows may be old.
        .with(
            PATH,
            &profile("").replace("    index:", "    every: 10s\n    index:"),
        );
    let daemon = Daemon::start_with(&home, &SERVE, &[]);
    wait_until("it is cold", PATIENCE, || newest(&home, "ts").is_some());
    boilers.set("north", "97 hot");
    let mail = smtp.wait_mails(1, PATIENCE).remove(0);
    assert!(
        mail.subject().contains("north is at 97"),
        "{}",
        mail.subject()
    );
    let alerts = home.rows("SELECT rule, host, entity, state FROM alert");
    assert_eq!(
        alerts,
        [json!({"rule": "boiler-hot", "host": "plant", "entity": "north", "state": "firing"})]
    );
    assert!(daemon.page("/alerts").contains("boiler-hot"));
    let page = daemon.page("/hosts/plant");
    assert!(page.contains("<b class=\"is-crit\">97 °C</b>"), "{page}");
    boilers.set("north", "60 ok");
    let mails = smtp.wait_mails(2, PATIENCE);
    assert!(
        mails[1].subject().starts_with("[OK]"),
        "{}",
        mails[1].subject()
    );
    assert!(daemon.stop().success());
}

/// 2026-10-05T00:00:00Z
const LONG_AGO: i64 = 1_791_158_400;

/// Ten readings of a boiler, one a minute, sealed into a Parquet file.
fn sealed_history(home: &TestHome, hosts: &str) {
    let files = [
        SourceFile::new("inventory/hosts.yaml", hosts),
        SourceFile::new(PATH, profile("")),
    ];
    let (inventory, problems) = inventory::load(&files, &NoSecrets);
    let inventory: Inventory = inventory.unwrap_or_else(|| panic!("{problems:?}"));
    let table = inventory
        .tables
        .find("boiler")
        .expect("the profile's table");
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    let (store, mut recorder) = Store::open(&home.data(), &options).expect("a new file");
    let ids = recorder.sync_hosts(&inventory, LONG_AGO).expect("hosts");
    let reading = |minute: i64| Stored {
        host_id: ids[0].1,
        way: Method::Snmp.into(),
        ts: LONG_AGO + minute * 60,
        push_key: None,
        poll: PollRow {
            took_ms: 1,
            effort: Effort::default(),
            rows: 1,
            resets: 0,
            failure: None,
            problems: String::new(),
        },
        tables: vec![StoredTable {
            table,
            rows: vec![StoredRow {
                entity_id: Some(1),
                elapsed_ms: None,
                values: vec![Value::Float(50.0 + minute as f64)],
            }],
        }],
        new_entities: (minute == 0)
            .then(|| NewEntity {
                id: 1,
                host_id: ids[0].1,
                table: table.name,
                key: EntityKey::named("north"),
            })
            .into_iter()
            .collect(),
        renamed_entities: Vec::new(),
        fact_changes: Vec::new(),
        host_facts: Vec::new(),
        events: Vec::new(),
    };
    let batch: Vec<Stored> = (0..10).map(reading).collect();
    recorder.append(&batch).expect("a commit");
    for stretch in store
        .stretches(LONG_AGO + 2 * 3_600, false)
        .expect("a plan")
    {
        let prepared = store.prepare(&stretch).expect("files are written");
        let switched = recorder.switch(&prepared).expect("a transaction");
        assert_eq!(switched, Switched::Done);
    }
    drop(store);
    recorder.close().expect("an orderly end");
}

#[test]
fn a_column_that_a_profile_gained_is_null_in_sealed_files() {
    let boilers = Boilers::start(&["north"]);
    boilers.set("north", "97 hot");
    let home = TestHome::new().with("inventory/hosts.yaml", &boilers.hosts());
    std::fs::create_dir_all(home.data()).expect("the home is writable");
    sealed_history(&home, &boilers.hosts());
    let files = std::fs::read_dir(home.data().join("sealed/boiler")).expect("sealed files");
    assert!(files.count() > 0);

    home.write(PATH, &profile(WORD));
    let daemon = Daemon::start(&home);
    wait_until("the new column has values", PATIENCE, || {
        newest(&home, "word") == Some(json!({"word": "hot"}))
    });
    let old = "SELECT count(*) AS n, count(word) AS words, max(temperature_c) AS most FROM boiler \
               WHERE boiler = 'north' AND ts < TIMESTAMPTZ '2026-10-06 00:00:00+00'";
    assert_eq!(home.rows(old), [json!({"n": 10, "words": 0, "most": 59.0})]);

    std::fs::remove_file(home.path().join(PATH)).expect("the file is there");
    home.succeed(&["reload"]);
    assert_eq!(home.rows(old), [json!({"n": 10, "words": 0, "most": 59.0})]);
    assert!(daemon.stop().success());
    assert_eq!(home.rows(old), [json!({"n": 10, "words": 0, "most": 59.0})]);
}
