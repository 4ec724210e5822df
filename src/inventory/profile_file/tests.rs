//! Profiles as their authors write them, and every mistake at its place.

use crate::inventory::{self, NoSecrets, SourceFile};
use crate::profile::Fills;

const HOSTS: &str = "hosts: {a: {collect: [local]}}\n";

fn load(profiles: &[(&str, &str)]) -> inventory::Examined {
    let mut files = vec![SourceFile::new("inventory/hosts.yaml", HOSTS)];
    for (name, text) in profiles {
        files.push(SourceFile::new(
            format!("inventory/profiles/{name}.yaml"),
            *text,
        ));
    }
    inventory::examine(&files, &NoSecrets)
}

/// `3:5 unknown-key: …` of each problem.
fn problems(profiles: &[(&str, &str)]) -> Vec<String> {
    let told = load(profiles).problems.into_iter().map(|p| {
        let place = p
            .places
            .first()
            .map_or(String::new(), |p| format!("{}:{} ", p.line, p.column));
        let help = p.help.map_or(String::new(), |h| format!(" ({h})"));
        format!("{place}{}: {}{help}", p.code, p.message)
    });
    told.collect()
}

const BGP: &str = "profile: bgp
comment: BGP peers
match: {has: 1.3.6.1.2.1.15.3.1}
facts:
  vendor: {text: Cisco}
  version: {from: sys_descr, regex: 'Version ([^, ]+)'}
tables:
  - fills: bgp_peer
    comment: BGP peers, one row per peer and poll
    entity_column: peer
    every: 5m
    entry: 1.3.6.1.2.1.15.3.1
    index: [{name: address, as: ip}]
    entity: index.address
    facts:
      remote_as: {from: .9, kind: int, comment: The peer's AS number}
    columns:
      state: {from: .2, enum: {1: idle, 6: established}, comment: State of the session}
      in_updates: {from: .10, kind: counter, comment: UPDATE messages received}
    derived:
      in_updates_per_s: {sql: \"t.in_updates * 1000.0 / nullif(t.elapsed_ms, 0)\", unit: \"1/s\", comment: Rate}
  - fills: sensor_like
    comment: Sensors
    entry: 1.3.6.1.2.1.99.1.1.1
    joins: {phys: {entry: 1.3.6.1.2.1.47.1.1.1.1}}
    read:
      name: [phys.7, phys.2]
      raw: .4
      scale: .2
      status: {from: .5, enum: {1: ok, 2: unavailable}}
    where: status = 'ok' and raw != 0
    entity: name
    columns:
      reading: {value: 'raw * pow(10, 3 * (scale - 9))', comment: What it says}
traps:
  1.3.6.1.4.1.318.0.5: {name: upsOnBattery, message: {en: On battery, zh-CN: 电池}, severity: warning}
objects:
  1.3.6.1.4.1.318.2.3.3: mtrapargsString
";

#[test]
fn the_example_is_read() {
    let examined = load(&[("bgp", BGP)]);
    assert_eq!(examined.problems, []);
    let inventory = examined.inventory.unwrap();
    let table = inventory.tables.find("bgp_peer").unwrap();
    assert_eq!(table.entity, Some("peer"));
    let columns: Vec<_> = table.columns.iter().map(|c| (c.name, c.kind)).collect();
    use crate::table::Kind::{Counter, Int, Text};
    assert_eq!(columns, [("state", Text), ("in_updates", Counter)]);
    assert_eq!(
        (table.facts[0].name, table.facts[0].kind),
        ("remote_as", Int)
    );
    assert_eq!(table.derived[0].unit, "1/s");
    let profile = &inventory.profiles[0];
    assert_eq!(profile.rank, 50);
    assert_eq!(profile.sections.len(), 3);
    assert_eq!(profile.sections[0].fills, Fills::Host);
    assert!(!profile.sections[1].folds());
    let names = inventory.trap_names();
    assert_eq!(names.traps.len(), 1);
    assert_eq!(
        &*names.objects[&crate::profile::arcs("1.3.6.1.4.1.318.2.3.3").unwrap()],
        "mtrapargsString"
    );
    // The same files again are the same tables.
    let again = load(&[("bgp", BGP)]).inventory.unwrap();
    assert_eq!(again.tables, inventory.tables);
}

#[test]
fn a_rule_can_name_a_new_table() {
    let rule = "rules:\n  - alert: peer-down\n    when: bgp_peer.state != 'established'\n    severity: critical\n";
    let files = [
        SourceFile::new("inventory/hosts.yaml", HOSTS),
        SourceFile::new("inventory/profiles/bgp.yaml", BGP),
        SourceFile::new("inventory/rules/own.yaml", rule),
    ];
    let examined = inventory::examine(&files, &NoSecrets);
    assert_eq!(examined.problems, []);
    assert_eq!(examined.inventory.unwrap().rules[0].when.table, "bgp_peer");
}

#[test]
fn every_mistake_has_its_place() {
    let text = "profile: other
rank: 200
match: {sys_object_id: 1.3.x, sys_descr: '('}
facts:
  modell: 1.3.6.1.2.1.1.5.0
tables:
  - fills: cpu
    entry: 1.3.6.1.4.1.9.9.109.1.1.1.1
    read: {load: [.7, .4]}
    columns:
      used_pct: avg(loads)
      cores: 'count(load'
      formula_: load
  - fills: Bad
    columns: {}
  - fills: thing
    colums: {a: .1}
";
    assert_eq!(
        problems(&[("broken", text)]),
        [
            "1:10 bad-name: the profile is called `other`, its file `broken` (write `profile: broken`, or rename the file)",
            "2:7 bad-value: `rank` must be a whole number from 0 to 100, not `200`",
            "3:24 bad-oid: `1.3.x` is not an object identifier (write it in numbers: 1.3.6.1.2.1.1.1.0)",
            "3:42 bad-regex: `(` is not a regular expression: unclosed group",
            "5:3 unknown-fact: a host has no fact `modell` (did you mean `model`?)",
            "11:21 bad-expression: nothing is called `loads` (did you mean `load`?)",
            "12:25 bad-expression: a `)` is missing here (inside `{…}` an expression with a comma stands in quotes)",
            "13:7 unknown-column: the table `cpu` has no column `formula_` (did you mean `formula`?)",
            "14:12 bad-name: `Bad` cannot be the name of a table (use lower case letters, digits and `_`, begin with a letter; some names are taken)",
            "16:5 missing-key: the item has no `columns` (add the columns to be filled)",
            "16:12 missing-key: the new table `thing` has no `comment` (add `comment:`: what one row is)",
            "16:12 missing-key: the new table `thing` has no `columns` (add at least one column)",
            "17:5 unknown-key: unknown key `colums` (did you mean `columns`?)",
        ]
    );
}

#[test]
fn types_are_checked() {
    let text = "profile: types
tables:
  - fills: cpu
    read: {word: {from: 1.3.6.1.9.0, enum: {1: ok}}}
    columns:
      used_pct: word
      cores: word + 1
      user: 1.3.6.1.8.0 * 2
      formula: word
";
    assert_eq!(
        problems(&[("types", text)]),
        [
            "6:17 bad-type: `used_pct` is a number, this is text",
            "7:14 bad-type: arithmetic needs numbers, this is text (join text with `concat`)",
            "8:13 bad-counter: `user` is a counter: it comes straight from an object (write `{from: .10}` without scale, enum or arithmetic: the difference is made exactly)",
        ]
    );
}

#[test]
fn two_profiles_that_disagree_are_both_named() {
    let one = "profile: one\ntables:\n  - fills: thing\n    comment: Things\n    columns:\n      a: {from: 1.3.6.1.9.1.0, kind: int, unit: V, comment: A}\n      b: {from: 1.3.6.1.9.2.0, kind: int, comment: B}\n";
    let two = "profile: two\ntables:\n  - fills: thing\n    columns:\n      a: {from: 1.3.6.1.8.1.0, kind: float}\n      b: 1.3.6.1.8.2.0\n      c: {from: 1.3.6.1.8.3.0, kind: text, comment: C}\n";
    let found = load(&[("one", one), ("two", two)]).problems;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].message,
        "two profiles disagree about the kind of `thing.a`"
    );
    let places: Vec<_> = found[0]
        .places
        .iter()
        .map(|p| (p.path.as_str(), p.line))
        .collect();
    assert_eq!(
        places,
        [
            ("inventory/profiles/two.yaml", 5),
            ("inventory/profiles/one.yaml", 6)
        ]
    );
    let agreed = two.replace("kind: float", "kind: int");
    let inventory = load(&[("one", one), ("two", &agreed)]).inventory.unwrap();
    let names: Vec<_> = inventory
        .tables
        .find("thing")
        .unwrap()
        .columns
        .iter()
        .map(|c| c.name)
        .collect();
    assert_eq!(names, ["a", "b", "c"], "the union");
}
