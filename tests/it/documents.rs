//! What the documents say holds: their examples pass `eider check`, their commands, targets and links
//! exist.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::TestHome;
use crate::support::home::{eider, finish};
use crate::support::sshd::make_key;

/// The README and every page of `docs/`, from the checkout's root.
fn documents() -> Vec<String> {
    let pages = std::fs::read_dir(root().join("docs")).expect("docs/ is there");
    let names = pages
        .flatten()
        .map(|page| format!("docs/{}", page.file_name().to_string_lossy()));
    let mut documents: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    documents.push("README.md".into());
    documents
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of that language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = text(document);
    let parts = text.split("\n```").skip(1).step_by(2);
    let wanted = parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n'));
    wanted.map(|block| format!("{block}\n")).collect()
}

/// Which file of a home a block is, by what it defines.
fn file_of(block: &str) -> &'static str {
    let defines = |key: &str| {
        block
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")))
    };
    if defines("rules") {
        // In the place of the shipped rules, whose names it may use.
        "inventory/rules/base.yaml"
    } else if [
        "server", "storage", "push", "mail", "notify", "traps", "sql", "sources", "reports",
    ]
    .iter()
    .any(|key| defines(key))
    {
        "inventory/settings.yaml"
    } else {
        "inventory/hosts.yaml"
    }
}

/// A home with this example in it, and the keys and secrets that it names.
fn home_with(block: &str) -> TestHome {
    let home = TestHome::new();
    std::fs::create_dir_all(home.path().join("etc")).expect("writable");
    make_key(&home.path().join("etc/id_ed25519"), "ed25519");
    for secret in [
        "etc/smtp",
        "etc/traps",
        "secrets/smtp",
        "etc/snmp-auth",
        "etc/snmp-priv",
    ] {
        home.write(secret, "a long secret\n");
    }
    let places = format!("{}/etc/", home.path().display());
    let block = block
        .replace("/etc/eider/", &places)
        .replace("~/.ssh/", &places);
    if !block.contains("credentials:") {
        home.write(
            "inventory/hosts.d/around.yaml",
            &format!("{AROUND}{places}id_ed25519}}\n"),
        );
    }
    home.with(file_of(&block), &block)
}

/// What an example that shows something else takes for granted.
const AROUND: &str = "groups: {web: {}}\ncredentials:\n  snmp-ro: {type: snmp-v2c, community: \"env:SNMP_COMMUNITY\"}\n  ops-key: {type: ssh-key, user: monitor, key_file: ";

#[test]
fn every_example_passes_the_check() {
    let mut checked = 0;
    // The page about the inventory has a test of its own.
    for document in documents().iter().filter(|d| *d != "docs/inventory.md") {
        for block in blocks(document, "yaml") {
            let home = home_with(&block);
            let mut check = home.command(&["check"]);
            check.env("CREDENTIALS_DIRECTORY", home.path().join("etc"));
            for name in ["SNMP_COMMUNITY", "SMTP_PASSWORD", "API_TOKEN"] {
                check.env(name, "secret");
            }
            let outcome = finish(&mut check);
            assert_eq!(
                outcome.code, 0,
                "{document}:\n{block}\n{}{}",
                outcome.stdout, outcome.stderr
            );
            checked += 1;
        }
    }
    assert!(checked > 3, "only {checked} examples found");
}

#[test]
fn the_documented_query_answers() {
    let blocks = blocks("README.md", "sql");
    assert_eq!(blocks.len(), 1);
    let home = TestHome::new()
        .with(
            "inventory/hosts.yaml",
            "version: 1\nhosts:\n  here: {collect: [local]}\n",
        )
        .with("queries/busiest_hosts.sql", &blocks[0]);
    home.succeed(&["check"]);
    let daemon = crate::support::Daemon::start(&home);
    let csv = home.succeed(&[
        "query",
        "busiest_hosts",
        "-p",
        "top=5",
        "--from",
        "now-1d",
        "-o",
        "csv",
    ]);
    assert_eq!(csv.lines().next(), Some("host,used_pct"), "{csv}");
    assert!(daemon.stop().success());
}

/// The page of queries lists every shipped one with its title and parameters, and no other.
#[test]
fn the_list_of_queries_is_whole() {
    let page = text("docs/queries.md");
    let mut listed = Vec::new();
    for line in page.lines().filter(|line| line.contains(" | **")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let title = cells[2].trim_start_matches("**").split(".**").next();
        let params = cells[3].replace(['`', ' ', '–'], "");
        let name = cells[1].trim_matches('`');
        listed.push(format!("{name}: {} ({params})", title.unwrap_or_default()));
    }
    let mut shipped = Vec::new();
    for file in std::fs::read_dir(root().join("queries")).expect("queries/ is there") {
        let path = format!(
            "queries/{}",
            file.expect("a file").file_name().to_string_lossy()
        );
        let query = eider::query::Query::parse(&path, &text(&path)).expect("a query");
        let params: Vec<&str> = query
            .params
            .iter()
            .map(|param| param.name.as_str())
            .collect();
        shipped.push(format!(
            "{}: {} ({})",
            query.name,
            query.title.en,
            params.join(",")
        ));
    }
    listed.sort();
    shipped.sort();
    assert_eq!(listed, shipped, "docs/queries.md");
}

/// The example of that page passes the check.
#[test]
fn the_example_of_a_query_is_good() {
    let blocks = blocks("docs/queries.md", "sql");
    let home = TestHome::new()
        .with(
            "inventory/hosts.yaml",
            "version: 1\nhosts:\n  here: {collect: [local]}\n",
        )
        .with("queries/busy_ports.sql", &blocks[0]);
    home.succeed(&["check"]);
}

#[test]
fn every_command_target_and_link_exists() {
    let makefile = text("Makefile");
    let mut seen = (0, 0, 0);
    for document in documents() {
        let text = text(&document);
        for target in words_after(&text, "make ") {
            assert!(
                makefile.contains(&format!("\n{target}: ")),
                "{document}: make {target}"
            );
            seen.0 += 1;
        }
        for verb in words_after(&text, "eider ") {
            let help = finish(eider().args([verb, "--help"]));
            assert_eq!(help.code, 0, "{document}: eider {verb}: {}", help.stderr);
            seen.1 += 1;
        }
        for link in links(&text) {
            let folder = Path::new(&document).parent().unwrap_or(Path::new(""));
            let path = root().join(folder).join(link);
            assert!(
                path.exists(),
                "{document} links to {link}, which is not there"
            );
            seen.2 += 1;
        }
    }
    assert!(seen.0 > 5 && seen.1 > 15 && seen.2 > 5, "{seen:?}");
}

/// The words that follow the command in code, not in prose: behind a backquote, or at the start of a
/// line or of a shell's command.
fn words_after<'a>(text: &'a str, command: &str) -> Vec<&'a str> {
    let starts = text.match_indices(command).filter(|(at, _)| {
        let before = &text[..*at];
        before.ends_with(['`', '\n']) || before.ends_with("&& ") || before.ends_with("sudo ")
    });
    let words = starts.map(|(at, _)| {
        let rest = &text[at + command.len()..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-');
        &rest[..end.unwrap_or(rest.len())]
    });
    words
        .filter(|word| !word.is_empty() && !word.starts_with('-'))
        .collect()
}

/// Targets of links inside the repository, without their fragment.
fn links(text: &str) -> Vec<&str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files
        .filter(|file| !file.is_empty() && !file.contains("://"))
        .collect()
}

#[test]
fn scripts_and_ci_are_executable_and_parse() {
    use std::os::unix::fs::PermissionsExt;
    for script in [
        ".ci/run",
        "scripts/prepare",
        "scripts/get-duckdb",
        "scripts/get-debian",
    ] {
        let path = root().join(script);
        let mode = std::fs::metadata(&path).expect(script).permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
        let parsed = finish(Command::new("sh").arg("-n").arg(&path));
        assert_eq!(parsed.code, 0, "{script}: {}", parsed.stderr);
    }
}
