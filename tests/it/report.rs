//! Reports: due, made, mailed through a real SMTP server, and parsed there.

use crate::support::home::finish;
use crate::support::smtp::{Mail, Part};
use crate::support::{Daemon, PATIENCE, Smtp, TestHome, wait_until};

/// Three hosts with numbers that need no history.
const NUMBERS: &str = "/*---
title: {en: Numbers, zh-CN: 数字}
range: now-7d
params:
  least: {type: int, default: 0, title: {en: At least, zh-CN: 至少}}
columns:
  host: {link: \"/hosts/{host}\", title: {en: Host, zh-CN: 主机}}
  used_pct: {unit: \"%\", bar: true, warn: 80, crit: 90, title: {en: Used, zh-CN: 已用}}
chart: {type: bar, x: host, y: used_pct}
---*/
SELECT * FROM (VALUES ('web01', 25.5::DOUBLE), ('db<1>', 95.0), ('客户甲, \"x\"', 81.0)) AS v(host, used_pct)
WHERE used_pct >= $least AND $from < $to ORDER BY used_pct
";
const EMPTY: &str = "/*---\ntitle: Nothing\n---*/\nSELECT 1 AS one WHERE false AND $from < $to\n";
const BROKEN: &str = "/*---\ntitle: Broken\n---*/\nSELECT no_such_column FROM cpu WHERE ts < $to\n";

fn home(smtp: &Smtp, reports: &str) -> TestHome {
    TestHome::new()
        .with(
            "inventory/settings.yaml",
            &format!(
                "server: {{timezone: Asia/Shanghai, public_url: \"https://eider.example.net/\"}}\n\
                 mail: {{smtp: \"{}\", from: \"Eider <eider@example.net>\"}}\n\
                 notify:\n  ops: {{to: [ops@example.net], language: zh-CN}}\n{reports}",
                smtp.url()
            ),
        )
        .with(
            "inventory/hosts.yaml",
            "hosts: {away: {address: 127.0.0.1, collect: [push]}}\n",
        )
        .with("queries/numbers.sql", NUMBERS)
        .with("queries/nothing.sql", EMPTY)
        .with("queries/broken.sql", BROKEN)
}

fn part<'m>(mail: &'m Mail, kind: &str) -> &'m Part {
    let found = mail.parts.iter().find(|part| part.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind} among {:?}", kinds(mail)))
}

fn kinds(mail: &Mail) -> Vec<&str> {
    mail.parts.iter().map(|part| part.kind.as_str()).collect()
}

/// A cron expression that comes every minute.
const EVERY_MINUTE: &str = "* * * * *";

#[test]
fn a_due_report_is_mailed_to_each_in_their_language_with_chart_and_rows() {
    let smtp = Smtp::start();
    let reports = format!(
        "reports:\n  week:\n    title: {{en: The week, zh-CN: 周报}}\n    cron: \"{EVERY_MINUTE}\"\n    \
         range: last_week\n    attach: csv\n    to: [ops, {{address: boss@example.org, language: en}}]\n    \
         queries:\n      - {{text: {{en: Read this first., zh-CN: 请先阅读。}}}}\n      \
         - {{query: numbers, params: {{least: 20}}}}\n"
    );
    let home = home(&smtp, &reports);
    let daemon = Daemon::start(&home);
    let mails = smtp.wait_mails(2, 2 * PATIENCE);
    let to = |address: &str| {
        let found = mails.iter().find(|mail| mail.recipients == [address]);
        found.expect("both get it").clone()
    };
    let (english, chinese) = (to("boss@example.org"), to("ops@example.net"));
    assert!(
        english.subject().starts_with("The week: 20"),
        "{}",
        english.subject()
    );
    assert!(
        chinese.subject().starts_with("周报：20"),
        "{}",
        chinese.subject()
    );
    assert!(english.html.contains("Read this first.") && english.text.contains("Read this first."));
    assert!(chinese.html.contains("请先阅读。") && chinese.html.contains("已用"));
    assert!(english.header("X-Eider-Report").starts_with("week; due="));
    assert_eq!(english.header("Auto-Submitted"), "auto-generated");
    assert!(!english.header("Date").is_empty());
    assert_ne!(english.header("Message-ID"), chinese.header("Message-ID"));

    // Text, HTML, the picture that the HTML names, the rows.
    assert_eq!(
        kinds(&english),
        ["text/plain", "text/html", "image/png", "text/csv"]
    );
    let picture = part(&english, "image/png");
    assert_eq!(&picture.bytes()[..8], b"\x89PNG\r\n\x1a\n");
    assert!(
        english
            .html
            .contains(&format!("src=\"cid:{}\"", picture.id)),
        "{}",
        english.html
    );
    assert!(
        !english.html.contains("src=\"http"),
        "nothing is loaded from outside"
    );
    // Text from outside stays text.
    assert!(english.html.contains("db&lt;1&gt;") && !english.html.contains("db<1>"));
    let links = english.html.replace("&#x2f;", "/");
    assert!(
        links.contains("https://eider.example.net/hosts/web01"),
        "{links}"
    );
    assert!(english.html.contains("■ ") && english.html.contains("95.0 %"));

    let csv = part(&english, "text/csv");
    assert_eq!(csv.disposition, "attachment");
    assert!(
        csv.name.starts_with("numbers-20") && csv.name.ends_with(".csv"),
        "{}",
        csv.name
    );
    let text = String::from_utf8(csv.bytes()).unwrap();
    let rows = home.succeed(&["query", "numbers", "-p", "least=20", "-o", "csv"]);
    assert_eq!(
        text.trim_start_matches('\u{feff}').replace("\r\n", "\n"),
        rows
    );

    // The delivery log says all of it.
    wait_until("both deliveries are written down", PATIENCE, || {
        let sent = home.rows("SELECT DISTINCT recipient FROM report_run WHERE action = 'sent'");
        sent.len() == 2
    });
    let queued = home.rows(
        "SELECT report, asked_by, note, size_bytes > 1000 AS sized FROM report_run WHERE action = 'queued' AND recipient = 'boss@example.org' ORDER BY ts LIMIT 1",
    );
    assert_eq!(queued[0]["report"], "week");
    assert_eq!(queued[0]["asked_by"], "schedule");
    assert_eq!(queued[0]["sized"], true);
    let page = daemon.page("/reports?lang=en");
    assert!(page.contains("The week") && page.contains("boss@example.org"));
    let page = daemon.page("/reports/week?lang=zh-CN");
    assert!(page.contains("周报") && page.contains("db&lt;1&gt;") && page.contains("<svg"));
    assert!(daemon.stop().success());
}

/// Over a stop and a kill each time of the schedule is mailed once.
#[test]
fn each_time_is_mailed_once_over_restarts() {
    let smtp = Smtp::start();
    let reports = format!(
        "reports:\n  tick: {{cron: \"{EVERY_MINUTE}\", queries: [numbers], to: [a@example.net]}}\n"
    );
    let home = home(&smtp, &reports);
    let daemon = Daemon::start(&home);
    smtp.wait_mails(1, 2 * PATIENCE);
    daemon.kill();
    let daemon = Daemon::start(&home);
    assert!(daemon.stop().success());
    let daemon = Daemon::start(&home);
    let mails = smtp.wait_mails(2, 2 * PATIENCE);
    assert!(daemon.stop().success());
    let due: std::collections::BTreeSet<&str> = mails
        .iter()
        .map(|mail| mail.header("X-Eider-Report"))
        .collect();
    assert!(
        due.len() >= mails.len() - 1,
        "a kill repeats one mail at most: {due:?}"
    );
    let ids: std::collections::BTreeSet<&str> =
        mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(
        ids.len(),
        due.len(),
        "the same report has the same Message-ID"
    );
}

#[test]
fn nothing_is_not_sent_and_a_failure_is() {
    let smtp = Smtp::start();
    let reports = format!(
        "reports:\n  quiet: {{cron: \"{EVERY_MINUTE}\", queries: [nothing], to: [a@example.net], skip_when: empty}}\n  \
         bad: {{cron: \"{EVERY_MINUTE}\", queries: [numbers, broken, gone], to: [b@example.net], skip_when: empty}}\n"
    );
    let home = home(&smtp, &reports);
    let _daemon = Daemon::start(&home);
    let mail = smtp.wait_mails(1, 2 * PATIENCE).remove(0);
    assert_eq!(mail.recipients, ["b@example.net"]);
    assert!(mail.text.contains("no_such_column"), "{}", mail.text);
    assert!(
        mail.text.contains("there is no query `gone`"),
        "{}",
        mail.text
    );
    assert!(mail.html.contains("2 of the queries") && mail.html.contains("95.0 %"));
    wait_until("the empty one is written down", PATIENCE, || {
        let skipped = "SELECT 1 FROM report_run WHERE report = 'quiet' AND action = 'skipped'";
        !home.rows(skipped).is_empty()
    });
    let noted = home.rows("SELECT note FROM report_run WHERE action = 'queued' LIMIT 1");
    assert!(
        noted[0]["note"]
            .as_str()
            .unwrap()
            .contains("no_such_column")
    );
    assert!(
        smtp.mails()
            .iter()
            .all(|mail| mail.recipients == ["b@example.net"])
    );
}

#[test]
fn the_verb_makes_reports_with_and_without_a_daemon() {
    let smtp = Smtp::start();
    let home = home(
        &smtp,
        "reports:\n  now: {title: Now, range: last_month, queries: [numbers], attach: parquet, to: [a@example.net]}\n",
    );
    let none = home.run(&["report", "now"]);
    assert_ne!(none.code, 0, "there is no history yet");
    let daemon = Daemon::start(&home);
    assert!(home.succeed(&["report"]).contains("Now"));
    let by_daemon = home.succeed(&["report", "now", "--at", "2026-03-15"]);
    assert!(by_daemon.contains("2026-02-01 – 2026-02-28"), "{by_daemon}");
    home.succeed(&["report", "now", "--to", "me@example.net", "--lang", "zh-CN"]);
    let mail = smtp.wait_mails(1, PATIENCE).remove(0);
    assert!(mail.html.contains("数字"));
    // The attached file is Parquet: read it as anybody would.
    let file = home.path().join("a.parquet");
    std::fs::write(&file, part(&mail, "application/vnd.apache.parquet").bytes()).unwrap();
    assert_eq!(&std::fs::read(&file).unwrap()[..4], b"PAR1");
    assert_eq!(home.run(&["report", "nwo"]).code, 1);
    assert!(daemon.stop().success());

    let by_ourselves = home.succeed(&["report", "now", "--at", "2026-03-15"]);
    let head = |text: &str| text.split("-- \n").next().unwrap_or_default().to_owned();
    assert_eq!(head(&by_daemon), head(&by_ourselves));
    let page = home.path().join("now.html");
    let page_text = page.to_str().unwrap();
    home.succeed(&["report", "now", "--html", page_text]);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(
        html.contains("src=\"data:image&#x2f;png;base64,")
            || html.contains("src=\"data:image/png;base64,")
    );
    home.succeed(&["report", "now", "--to", "you@example.net"]);
    assert_eq!(smtp.mails().last().unwrap().recipients, ["you@example.net"]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let smtp = Smtp::start();
    let home = home(
        &smtp,
        "reports:\n  a: {cron: \"0 25 * * *\", zone: Asia/Shanghia, queries: [numbers], to: [nobody]}\n  \
         b: {cron: \"@daily\", queries: [numbers], attach: xlsx, range: last_wek}\n",
    );
    let check = |home: &TestHome| finish(&mut home.command(&["check"]));
    let told = check(&home);
    assert_eq!(told.code, 3);
    for (words, place) in [
        ("`25` is no hour: it is 0 to 23", "settings.yaml:6:13"),
        (
            "there is no time zone `Asia/Shanghia`",
            "settings.yaml:6:33",
        ),
        ("there is no receiver `nobody`", "settings.yaml:6:"),
        (
            "`b` has a schedule but nobody to send it to",
            "settings.yaml:7:7",
        ),
        ("`attach` is csv or parquet", "settings.yaml:7:"),
        ("did you mean `last_week`?", "settings.yaml:7:"),
    ] {
        assert!(told.stdout.contains(words), "{words}\n{}", told.stdout);
        assert!(told.stdout.contains(place), "{place}\n{}", told.stdout);
    }
    home.write(
        "inventory/settings.yaml",
        "reports:\n  a:\n    queries:\n      - top_cpus\n      - {query: numbers, params: {lest: 1, least: x}}\n",
    );
    let told = check(&home);
    assert_eq!(told.code, 3);
    for (words, place) in [
        ("there is no query `top_cpus`", "settings.yaml:4:9"),
        ("has no parameter `lest`", "settings.yaml:5:35"),
        ("`least` is a whole number, not `x`", "settings.yaml:5:44"),
    ] {
        assert!(told.stdout.contains(words), "{words}\n{}", told.stdout);
        assert!(told.stdout.contains(place), "{place}\n{}", told.stdout);
    }
}
