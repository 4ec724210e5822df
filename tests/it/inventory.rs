//! The inventory as its user meets it: `eider check`, `eider host`, `eider init`.
//!
//! Each folder of `tests/data/inventory` is the home of one case, `bad-REASON` or `good-WHAT`, with
//! the whole answer of `eider check` in `expected.txt`. `EIDER_BLESS=1` writes the answers anew: read
//! every one that changed before you keep it.

mod host;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::support::TestHome;
use super::support::home::{Outcome, eider, finish};

/// A case runs without the shipped rules, so that a new one changes no answer.
const NO_RULES: &str = "rules: []\n";

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inventory")
}

/// The home of a case in a temporary directory.
fn home_of(case: &Path) -> TestHome {
    let home = TestHome::new().with("inventory/rules/base.yaml", NO_RULES);
    copy(case, case, &home);
    home
}

fn copy(root: &Path, folder: &Path, home: &TestHome) {
    for entry in fs::read_dir(folder).expect("the case is there") {
        let path = entry.expect("the case is there").path();
        if path.is_dir() {
            copy(root, &path, home);
        } else if !path.ends_with("expected.txt") {
            let name = path
                .strip_prefix(root)
                .ok()
                .and_then(Path::to_str)
                .expect("below the case");
            home.write(name, &fs::read_to_string(&path).expect("text"));
            // As a checkout has it: others can read it.
            let written = home.path().join(name);
            fs::set_permissions(written, fs::Permissions::from_mode(0o644)).expect("ours");
        }
    }
}

fn check(home: &TestHome, args: &[&str]) -> Outcome {
    let mut command = home.command(&["check"]);
    command
        .args(args)
        .env("EIDER_TEST_COMMUNITY", "canary-from-the-environment")
        .env_remove("EIDER_TEST_NOT_SET")
        .env_remove("CREDENTIALS_DIRECTORY");
    finish(&mut command)
}

/// The answer without what is not the case's own: its directory, and how many queries ship.
fn settled(home: &TestHome, text: &str) -> String {
    let text = text.replace(home.path().to_str().expect("a plain path"), "HOME");
    let queries = regex::Regex::new(r", \d+ quer(y|ies)\)").expect("a good pattern");
    queries.replace(&text, ", N queries)").into_owned()
}

fn is_bad(case: &Path) -> bool {
    case.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with("bad-"))
}

/// What is wrong with the answer to a case, if anything.
fn run(case: &Path, bless: bool) -> Option<String> {
    let home = home_of(case);
    let outcome = check(&home, &[]);
    let answer = settled(&home, &outcome.stdout);
    let expected = case.join("expected.txt");
    if bless {
        fs::write(&expected, &answer).expect("the checkout is writable");
    }
    let code = if is_bad(case) { 3 } else { 0 };
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    let leaks = format!("{}{}", outcome.stdout, outcome.stderr).contains("canary");
    if answer == wanted && outcome.code == code && outcome.stderr.is_empty() && !leaks {
        return None;
    }
    Some(format!(
        "{}: exit code {}, prints a secret: {leaks}, stderr {:?}\n--- expected\n{wanted}\n--- got\n{answer}",
        case.display(),
        outcome.code,
        outcome.stderr
    ))
}

#[test]
fn every_case_gives_its_whole_answer() {
    let bless = std::env::var_os("EIDER_BLESS").is_some();
    let mut folders: Vec<PathBuf> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let bad = folders.iter().filter(|case| is_bad(case)).count();
    let good = folders.len() - bad;
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let share = folders.len().div_ceil(4);
        let threads: Vec<_> = folders
            .chunks(share)
            .map(|some| scope.spawn(move || some.iter().filter_map(|c| run(c, bless)).collect()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| -> Vec<String> { thread.join().unwrap() })
            .collect()
    });
    assert!(
        bad >= 30 && good >= 3,
        "only {bad} bad and {good} good cases found"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn json_says_the_same() {
    let home = home_of(&cases().join("bad-unknown-key"));
    let outcome = check(&home, &["--json"]);
    assert_eq!(outcome.code, 3);
    let value: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!((&value["errors"], &value["hosts"]), (&1.into(), &1.into()));
    let problem = &value["problems"][0];
    assert_eq!(problem["code"], "unknown-key");
    assert_eq!(problem["help"], "did you mean `credential`?");
    let place = &problem["places"][0];
    assert_eq!(place["path"], "inventory/hosts.yaml");
    assert_eq!((&place["line"], &place["column"]), (&8.into(), &5.into()));
}

#[test]
fn a_secret_may_stand_in_a_private_file() {
    let home = home_of(&cases().join("good-warnings"));
    let hosts = home.path().join("inventory/hosts.yaml");
    assert!(check(&home, &[]).stdout.contains("literal-secret"));
    fs::set_permissions(&hosts, fs::Permissions::from_mode(0o600)).unwrap();
    let outcome = check(&home, &[]);
    assert_eq!(outcome.code, 0);
    assert!(
        !outcome.stdout.contains("literal-secret"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_secret_file_that_others_can_read_is_an_error() {
    let home = TestHome::new()
        .with(
            "inventory/hosts.yaml",
            "credentials:\n  a: {type: snmp-v2c, community: \"file:secrets/a\"}\nhosts:\n  h: {collect: [snmp], credential: a}\n",
        )
        .with("secrets/a", "canary\n");
    let secret = home.path().join("secrets/a");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = check(&home, &[]);
    assert_eq!(outcome.code, 3);
    assert!(outcome.stdout.contains("chmod 600"), "{}", outcome.stdout);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check(&home, &[]).code, 0);
}

#[test]
fn init_writes_a_good_home_and_never_overwrites() {
    let home = TestHome::new();
    let directory = home.path().join("deep/new home");
    let directory = directory.to_str().unwrap();
    let text = home.succeed(&["init", directory]);
    assert!(
        text.contains("serve") && text.contains("hosts.yaml"),
        "{text}"
    );
    let new = TestHome::new();
    let new_init = new.succeed(&["init"]);
    assert!(new_init.contains("wrote"), "{new_init}");
    let outcome = check(&new, &[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(
        outcome.stdout.starts_with("no problems (1 host, "),
        "{}",
        outcome.stdout
    );
    assert!(new.succeed(&["host"]).contains("this-machine"));
    new.write("inventory/hosts.yaml", "# mine\n");
    assert!(new.succeed(&["init"]).contains("kept"));
    let kept = fs::read_to_string(new.path().join("inventory/hosts.yaml")).unwrap();
    assert_eq!(kept, "# mine\n");
}

/// The examples in the written files are right once their `#` is off.
#[test]
fn the_examples_of_a_new_home_are_right() {
    let home = TestHome::new();
    home.succeed(&["init"]);
    let hosts = home.path().join("inventory/hosts.yaml");
    let rules = home.path().join("inventory/rules/own.yaml");
    for path in [&hosts, &rules] {
        let text = fs::read_to_string(path).unwrap();
        let active: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if rest.starts_with("  ") => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        assert_ne!(active, text);
        fs::write(path, active).unwrap();
    }
    home.write("key", "not read here\n");
    let text = fs::read_to_string(&hosts).unwrap();
    let text = text
        .replace("~/.ssh/id_ed25519", "key")
        .replace("env:SNMP_COMMUNITY", "env:EIDER_TEST_COMMUNITY");
    home.write("inventory/hosts.yaml", &text);
    let outcome = check(&home, &[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    // this-machine, switch01, web01, web02 to web20, web21.
    assert!(
        outcome.stdout.contains("(23 hosts, 1 group, 8 rules, "),
        "{}",
        outcome.stdout
    );
}

/// The examples of the user's page, put together as one home, are right.
#[test]
fn the_examples_of_the_page_are_right() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/inventory.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    let [hosts, groups, settings, rules] = blocks[..] else {
        panic!("{} blocks", blocks.len())
    };
    let home = TestHome::new()
        .with(
            "inventory/hosts.yaml",
            &hosts.replace("~/.ssh/id_ed25519", "key"),
        )
        .with("inventory/hosts.d/groups.yaml", groups)
        .with("inventory/settings.yaml", settings)
        .with("inventory/rules/base.yaml", rules)
        .with("key", "not read here\n")
        .with("secrets/smtp", "x\n");
    let mut command = home.command(&["check"]);
    let outcome = finish(command.env("SNMP_COMMUNITY", "x"));
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(
        outcome
            .stdout
            .starts_with("no problems (29 hosts, 2 groups, 1 rule, "),
        "{}",
        outcome.stdout
    );
}

#[test]
fn the_repository_is_a_good_home() {
    let mut command = eider();
    command.args(["--home", env!("CARGO_MANIFEST_DIR"), "check"]);
    let outcome = finish(&mut command);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn queries_templates_and_summaries_are_checked_too() {
    let home = home_of(&cases().join("good-small"))
        .with("queries/mine.sql", "/*---\ntitle: Mine\n---*/\nSELECT hots FROM cpu\n")
        .with("templates/host.html", "<p>\n{% if %}\n")
        .with(
            "inventory/rules/own.yaml",
            "rules:\n  - alert: a\n    when: filesystem.used_pct > 1\n    severity: info\n    summary: \"{{ hosst }}\"\n  - alert: b\n    when: host.up = false\n    severity: info\n    summary: \"{{ host\"\n",
        );
    let outcome = check(&home, &[]);
    assert_eq!(outcome.code, 3, "{}", outcome.stdout);
    for part in [
        "error[bad-sql]",
        "queries/mine.sql:4",
        "hots",
        "error[bad-template]",
        "templates/host.html:2",
        "the summary of the rule `a` cannot be rendered",
        "mount",
        "inventory/rules/own.yaml:6:12",
        "4 errors",
    ] {
        assert!(
            outcome.stdout.contains(part),
            "{part} is not in\n{}",
            outcome.stdout
        );
    }
}

#[test]
fn a_place_without_an_inventory_says_what_to_do() {
    let outcome = check(&TestHome::new(), &[]);
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("eider init"), "{}", outcome.stderr);
}
