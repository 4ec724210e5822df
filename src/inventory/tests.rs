//! The whole loader: precedence, and that no text makes it panic.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::reading::Method;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile::new(path, text)
}

fn good(text: &str) -> Inventory {
    let files = [file("inventory/hosts.yaml", text)];
    let (inventory, problems) = load(&files, &NoSecrets);
    inventory.unwrap_or_else(|| panic!("{}", render(&problems, &files, false)))
}

fn codes(text: &str) -> Vec<&'static str> {
    let (_, problems) = load(&[file("inventory/hosts.yaml", text)], &NoSecrets);
    problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn the_nearer_layer_wins_key_by_key() {
    let inventory = good(
        "defaults: {collect: [local], interval: 1m, timeout: 4s, labels: {a: d, b: d, c: d, d: d}}\n\
         groups:\n  \
           top: {interval: 2m, labels: {b: top, c: top, d: top}}\n  \
           low: {parent: top, timeout: 6s, labels: {c: low, d: low}, hosts: {h: {labels: {d: host}}}}\n",
    );
    let host = &inventory.hosts["h"];
    let labels: Vec<(&str, &str)> = host.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(
        labels,
        [("a", "d"), ("b", "top"), ("c", "low"), ("d", "host")]
    );
    let target = &host.targets[0];
    assert_eq!(target.interval, Duration::from_secs(120));
    assert_eq!(target.timeout, Duration::from_secs(6));
    assert_eq!(host.groups, ["low", "top"]);
    assert_eq!(target.id(), "h/local");
}

#[test]
fn without_a_timeout_it_follows_from_the_interval() {
    let timeout = |interval: &str| {
        let text = format!("hosts: {{h: {{collect: [local], interval: {interval}}}}}\n");
        good(&text).hosts["h"].targets[0].timeout
    };
    assert_eq!(timeout("60s"), Duration::from_secs(15));
    assert_eq!(timeout("10s"), Duration::from_secs(8));
    assert_eq!(timeout("1s"), Duration::from_secs(1));
}

#[test]
fn a_parent_stands_behind_its_child_even_when_named_directly() {
    let inventory = good(
        "defaults: {collect: [local]}\n\
         groups: {top: {interval: 2m}, low: {parent: top, interval: 3m}}\n\
         hosts: {h: {groups: [top, low]}}\n",
    );
    let host = &inventory.hosts["h"];
    assert_eq!(host.targets[0].interval, Duration::from_secs(180));
    assert_eq!(host.groups, ["low", "top"]);
}

#[test]
fn groups_of_one_level_must_agree() {
    let text = |b: &str| {
        format!(
            "defaults: {{collect: [local]}}\ngroups: {{a: {{interval: 2m}}, b: {{interval: {b}}}}}\nhosts: {{h: {{groups: [a, b]}}}}\n"
        )
    };
    assert_eq!(codes(&text("120s")), [""; 0]);
    assert_eq!(codes(&text("3m")), ["group-conflict"]);
}

#[test]
fn each_method_takes_the_credential_of_its_type() {
    let inventory = good(
        "credentials:\n  \
           s: {type: snmp-v1, community: \"env:X\"}\n  \
           k: {type: ssh-key, user: mon, key_file: /k, passphrase: \"env:P\"}\n\
         hosts: {h: {collect: [ssh, snmp], credentials: [s, k], ssh: {user: root}}}\n",
    );
    let targets = inventory.targets();
    assert_eq!(targets[0].way, Method::Ssh.into());
    let Access::Ssh(ssh) = &targets[0].access else {
        panic!("ssh first")
    };
    assert_eq!((ssh.user.as_str(), ssh.port), ("root", 22));
    assert_eq!(ssh.host_keys, HostKeyPolicy::Strict);
    assert!(
        matches!(&ssh.auth, SshAuth::Key { key_file, passphrase: Some(_) } if key_file == "/k")
    );
    let Access::Snmp(snmp) = &targets[1].access else {
        panic!("then snmp")
    };
    assert_eq!((snmp.auth.version(), snmp.port), (SnmpVersion::V1, 161));
    assert!(!format!("{inventory:?}").contains("community: \"\""));
}

#[test]
fn ranges_of_addresses_go_along_with_the_names() {
    let inventory = good("hosts:\n  sw[08:10]: {collect: [local], address: \"10.0.0.[8:10]\"}\n");
    let pairs: Vec<(&str, &str)> = inventory
        .hosts
        .values()
        .map(|host| (&*host.name, &*host.address))
        .collect();
    assert_eq!(
        pairs,
        [
            ("sw08", "10.0.0.8"),
            ("sw09", "10.0.0.9"),
            ("sw10", "10.0.0.10")
        ]
    );
}

#[test]
fn a_selector_takes_groups_labels_and_names() {
    let text = "rules:\n  - {alert: r, when: cpu.used_pct > 1, severity: info, hosts: 'group:top and not label:site=lab and not host:c'}\n";
    let hosts = "defaults: {collect: [local]}\n\
        groups: {top: {}, low: {parent: top, hosts: {a: , b: {labels: {site: lab}}, c: }}}\n\
        hosts: {d: }\n";
    let files = [
        file("inventory/hosts.yaml", hosts),
        file("inventory/rules/a.yaml", text),
    ];
    let (inventory, problems) = load(&files, &NoSecrets);
    let inventory = inventory.unwrap_or_else(|| panic!("{problems:?}"));
    let selector = &inventory.rules[0].hosts;
    let taken: Vec<&str> = inventory
        .hosts
        .values()
        .filter(|host| selector.matches(host))
        .map(|host| &*host.name)
        .collect();
    assert_eq!(taken, ["a"]);
    assert!(HostSelector::default().matches(&inventory.hosts["d"]));
}

#[test]
fn too_many_problems_are_counted() {
    let keys: String = (0..2000)
        .map(|i| format!("  h{i}: {{wrong: 1}}\n"))
        .collect();
    let text = format!("defaults: {{collect: [local]}}\nhosts:\n{keys}");
    let (inventory, problems) = load(&[file("inventory/hosts.yaml", &text)], &NoSecrets);
    assert!(inventory.is_none());
    assert_eq!(problems.len(), 501);
    assert!(problems[500].message.starts_with("1500 more errors"));
}

/// Pieces that meet the loader's own words, so that random files get past the YAML.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "hosts:",
            "groups:",
            "credentials:",
            "defaults:",
            "rules:",
            "collect:",
            "interval:",
            "parent:",
            "labels:",
            "snmp:",
            "ssh:",
            "type:",
            "when:",
            "severity:",
            "depends_on:",
            "renamed_from:",
            "credential:",
            "address:",
            "port:",
            "alert:",
            "server:",
            "listen:",
            "mail:",
            "smtp:",
            "notify:",
            "to:",
            "local",
            "snmp",
            "snmp-v2c",
            "a",
            "b[1:3]",
            "5m",
            "cpu.used_pct > 1",
            "[a, b]",
            "{a: b}",
            "{}",
            "[]",
            "- ",
            "*x",
            "&x ",
            "<<: *x",
            "|",
            "'",
            "\"",
            "\u{1b}",
            "机",
            "~",
            "1e999",
            "env:HOME",
            "group:a and",
            "<",
            "%",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
        Just("\n".to_owned()),
        Just("\n  ".to_owned()),
        Just("\n    ".to_owned()),
        Just(" ".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_the_loader_panic(pieces in prop::collection::vec(piece(), 0..60), path in 0usize..3) {
        let path = ["inventory/hosts.yaml", "inventory/settings.yaml", "inventory/rules/a.yaml"][path];
        let files = [file(path, &pieces.concat())];
        let (inventory, problems) = load(&files, &NoSecrets);
        let errors = problems.iter().any(|p| p.severity == ProblemSeverity::Error);
        prop_assert_eq!(inventory.is_none(), errors);
        let text = render(&problems, &files, false);
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        for problem in &problems {
            for place in &problem.places {
                prop_assert!(place.line >= 1 && place.column >= 1 && place.length >= 1);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_loader_panic(text in ".{0,200}") {
        let files = [file("inventory/hosts.yaml", &text)];
        let (_, problems) = load(&files, &NoSecrets);
        let _ = render(&problems, &files, true);
    }

    /// Whatever stands at the levels, the nearest one that speaks is heard.
    #[test]
    fn the_nearest_level_is_heard(levels in prop::collection::vec(prop::option::of(1u64..1000), 4)) {
        let say = |level: &Option<u64>| level.map_or(String::new(), |s| format!("interval: {s}s, "));
        let text = format!(
            "defaults: {{{}collect: [local]}}\ngroups:\n  top: {{{}labels: {{}}}}\n  low: {{{}parent: top}}\nhosts: {{h: {{{}groups: [low]}}}}\n",
            say(&levels[0]), say(&levels[1]), say(&levels[2]), say(&levels[3])
        );
        let wanted = levels.iter().rev().flatten().next().copied().unwrap_or(60);
        prop_assert_eq!(good(&text).hosts["h"].targets[0].interval.as_secs(), wanted);
    }
}
