//! Alerts from a real SNMP host that dies to real mails, with everything going wrong on the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::home::finish;
use crate::support::smtp::Mail;
use crate::support::{Daemon, PATIENCE, Smtp, Snmpd, TestHome, wait_until};

const SERVE: [&str; 2] = ["--rules-every", "1"];

/// A home that watches one SNMP host every two seconds and tells `to` when it is down for `hold`.
fn home(snmpd: &Snmpd, smtp: &Smtp, hold: &str, to: &str) -> TestHome {
    TestHome::new()
        .with(
            "inventory/settings.yaml",
            &format!(
                "server: {{timezone: Asia/Shanghai}}\n\
                 mail: {{smtp: \"{}\", from: \"Monitor <eider@example.net>\"}}\n\
                 notify:\n  ops: {{to: [{to}], group_wait: 1s}}\n",
                smtp.url()
            ),
        )
        .with(
            "inventory/hosts.yaml",
            &format!(
                "credentials:\n  public: {{type: snmp-v2c, community: public}}\n\
                 groups:\n  network:\n    hosts:\n      \
                 switch: {{address: 127.0.0.1, interval: 2s, timeout: 1s, collect: [snmp], credential: public, snmp: {{port: {}}}}}\n",
                snmpd.port()
            ),
        )
        .with(
            "inventory/rules/base.yaml",
            &format!(
                "rules:\n  - alert: host-down\n    when: host.up = false\n    for: {hold}\n    \
                 severity: critical\n    summary: \"{{{{ host }}}} has not answered for {{{{ active_for }}}}\"\n"
            ),
        )
}

fn serve(home: &TestHome) -> Daemon {
    Daemon::start_with(home, &SERVE, &[])
}

/// Waits until the host was polled well, so that its end is news.
fn wait_for_up(home: &TestHome) {
    wait_until("the host is polled", PATIENCE, || {
        !home.rows("SELECT 1 FROM poll WHERE ok LIMIT 1").is_empty()
    });
}

fn ids(mail: &Mail) -> BTreeSet<String> {
    let references = mail.header("References");
    references.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_host_that_dies_and_returns_is_one_mail_each_in_one_thread() {
    let mut snmpd = Snmpd::start_with("<script>alert(1)</script>", "");
    let smtp = Smtp::start();
    let home = home(&snmpd, &smtp, "1s", "ops@example.net");
    let daemon = serve(&home);
    wait_for_up(&home);

    snmpd.stop();
    let down = smtp.wait_mails(1, PATIENCE).remove(0);
    assert!(
        down.subject()
            .starts_with("[CRIT] switch has not answered for"),
        "{}",
        down.subject()
    );
    assert_eq!(down.recipients, ["ops@example.net"]);
    assert_eq!(down.header("From"), "Monitor <eider@example.net>");
    assert_eq!(down.header("Auto-Submitted"), "auto-generated");
    assert!(down.header("X-Eider-Alert").contains("host=switch"));
    assert!(
        down.text.contains("inventory/rules/base.yaml:2"),
        "{}",
        down.text
    );
    assert!(!down.html.contains("<script"));

    snmpd.restart();
    let mails = smtp.wait_mails(2, PATIENCE);
    let ok = &mails[1];
    assert!(
        ok.subject().starts_with("[OK] switch: host-down"),
        "{}",
        ok.subject()
    );
    assert_eq!(ids(ok), ids(&down));
    assert!(!ids(ok).is_empty());
    assert_ne!(ok.header("Message-ID"), down.header("Message-ID"));

    // The ledger knows what became of both, and there is no third.
    wait_until("both deliveries are written down", PATIENCE, || {
        let sent = "SELECT reason FROM notification WHERE action = 'sent' ORDER BY ts";
        home.rows(sent).len() == 2
    });
    let states = home.rows("SELECT state, reason, peak FROM alert");
    assert_eq!(states.len(), 1);
    assert_eq!(states[0]["state"], "resolved");
    assert_eq!(states[0]["reason"], "cleared");
    assert!(daemon.stop().success());
    assert_eq!(smtp.mails().len(), 2);
}

#[test]
fn a_mail_server_that_is_away_loses_nothing_and_gets_it_once() {
    let mut snmpd = Snmpd::start();
    let mut smtp = Smtp::start();
    smtp.stop();
    let home = home(&snmpd, &smtp, "1s", "ops@example.net");
    let daemon = serve(&home);
    wait_for_up(&home);
    snmpd.stop();
    wait_until("the delivery fails", PATIENCE, || {
        daemon.log().count("mail not sent") > 0
    });
    // The host is back before the mail server is: both mails wait, in their order.
    snmpd.restart();
    wait_until("the alert is over", PATIENCE, || {
        daemon.log().count("alert resolved") > 0
    });
    daemon.kill();
    smtp.restart();
    let daemon = serve(&home);
    let mails = smtp.wait_mails(2, PATIENCE);
    assert!(mails[0].subject().starts_with("[CRIT]"));
    assert!(mails[1].subject().starts_with("[OK]"));
    wait_until("the outbox is empty", PATIENCE, || {
        let sent = "SELECT 1 FROM notification WHERE action = 'sent'";
        home.rows(sent).len() == 2
    });
    assert!(daemon.stop().success());
    assert_eq!(smtp.mails().len(), 2);
}

#[test]
fn a_refusal_parks_the_mail_and_says_why() {
    let mut snmpd = Snmpd::start();
    let smtp = Smtp::start();
    let home = home(&snmpd, &smtp, "1s", "ops@example.net");
    smtp.answer("554 5.7.1 not for you");
    let daemon = serve(&home);
    wait_for_up(&home);
    snmpd.stop();
    wait_until("the mail is given up", PATIENCE, || {
        daemon.log().count("mail given up") > 0
    });
    wait_until("the ledger knows why", PATIENCE, || {
        let failed = "SELECT note FROM notification WHERE action = 'failed'";
        let rows = home.rows(failed);
        rows.len() == 1
            && rows[0]["note"]
                .as_str()
                .is_some_and(|n| n.contains("not for you"))
    });
    assert!(daemon.page("/metrics").contains("mails"), "counted");
    smtp.answer("");
    snmpd.restart();
    let mails = smtp.wait_mails(1, PATIENCE);
    assert!(mails[0].subject().starts_with("[OK]"));
}

#[test]
fn a_restart_while_pending_keeps_the_clock() {
    let mut snmpd = Snmpd::start();
    let smtp = Smtp::start();
    let home = home(&snmpd, &smtp, "8s", "ops@example.net");
    let daemon = serve(&home);
    wait_for_up(&home);
    snmpd.stop();
    let since = "SELECT id, epoch(since)::BIGINT AS since FROM alert WHERE state = 'pending'";
    wait_until("the alert is pending", PATIENCE, || {
        !home.rows(since).is_empty()
    });
    let pending = home.rows(since).remove(0);
    assert!(daemon.stop().success());
    let _daemon = serve(&home);
    smtp.wait_mails(1, PATIENCE);
    let fired = home.rows(
        "SELECT id, epoch(since)::BIGINT AS since, epoch(fired_at)::BIGINT AS fired FROM alert",
    );
    assert_eq!(fired.len(), 1);
    assert_eq!(fired[0]["id"], pending["id"]);
    assert_eq!(fired[0]["since"], pending["since"]);
    let held = fired[0]["fired"].as_i64().unwrap() - fired[0]["since"].as_i64().unwrap();
    assert!(held >= 8, "fired after {held} s");
}

/// Kills the daemon again and again while it delivers to many addresses: every address gets the mail,
/// and no kill repeats more than one.
#[test]
fn kills_while_delivering_lose_no_mail_and_repeat_at_most_one_each() {
    let mut snmpd = Snmpd::start();
    let smtp = Smtp::start();
    let addresses: Vec<String> = (0..40).map(|n| format!("a{n}@example.net")).collect();
    let home = home(&snmpd, &smtp, "1s", &addresses.join(", "));
    let mut daemon = serve(&home);
    wait_for_up(&home);
    snmpd.stop();
    let mut kills = 0;
    for goal in [1, 5, 12, 20, 27, 33] {
        wait_until("some mails arrive", PATIENCE, || smtp.mails().len() >= goal);
        daemon.kill();
        kills += 1;
        daemon = serve(&home);
    }
    wait_until("everybody has the mail", PATIENCE, || {
        let mails = smtp.mails();
        let served: BTreeSet<&String> = mails.iter().flat_map(|m| &m.recipients).collect();
        served.len() == addresses.len()
    });
    drop(daemon);
    let mut per_address: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in smtp.mails() {
        let id = mail.header("Message-ID").to_owned();
        per_address
            .entry(mail.recipients[0].clone())
            .or_default()
            .push(id);
    }
    let mut repeated = 0;
    let mut all = BTreeSet::new();
    for (address, ids) in &per_address {
        repeated += ids.len() - 1;
        let different: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), 1, "{address}: {ids:?}");
        all.extend(different);
    }
    assert_eq!(all.len(), addresses.len(), "each address has its own id");
    assert!(repeated <= kills, "{repeated} repeated after {kills} kills");
}

#[test]
fn mail_test_says_what_the_server_said() {
    let smtp = Smtp::start();
    let settings = |url: &str| format!("mail: {{smtp: \"{url}\", from: eider@example.net}}\n");
    let home = TestHome::new()
        .with("inventory/settings.yaml", &settings(&smtp.url()))
        .with(
            "inventory/hosts.yaml",
            "hosts: {here: {collect: [local]}}\n",
        );
    let told = home.succeed(&["mail", "test", "ops@example.net"]);
    assert!(
        told.contains("took the mail to ops@example.net: 250"),
        "{told}"
    );
    let mail = smtp.mails().remove(0);
    assert_eq!(mail.subject(), "[TEST] Eider can send mail");

    smtp.answer("550 5.1.1 no such user");
    let refused = home.run(&["mail", "test", "nobody@example.net"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("no such user"),
        "{}",
        refused.stderr
    );

    // A server without TLS gets neither the password nor the mail when TLS is asked for.
    smtp.answer("");
    let secure = smtp.url().replace("smtp://", "smtp+starttls://eider@");
    let line =
        format!("mail: {{smtp: \"{secure}\", password: \"env:PW\", from: eider@example.net}}\n");
    home.write("inventory/settings.yaml", &line);
    let mut command = home.command(&["mail", "test", "ops@example.net"]);
    let plain = finish(command.env("PW", "canary-4711"));
    assert_eq!(plain.code, 1, "{}", plain.stderr);
    assert!(plain.stderr.contains("STARTTLS"), "{}", plain.stderr);
    assert!(!plain.stderr.contains("canary"), "{}", plain.stderr);
    assert_eq!(smtp.mails().len(), 1);

    let unsound = home.run(&["mail", "test", "not an address"]);
    assert_ne!(unsound.code, 0);
    home.write("inventory/settings.yaml", "server: {language: en}\n");
    let without = home.run(&["mail", "test", "ops@example.net"]);
    assert_eq!(without.code, 3);
    assert!(
        without.stderr.contains("says nothing about mail"),
        "{}",
        without.stderr
    );
}

/// A switch and what hangs on it die together: one mail, about the switch; the others' alerts are
/// written down with the reason why nobody was told.
#[test]
fn one_mail_when_the_switch_in_front_dies() {
    let mut snmpd = Snmpd::start();
    let smtp = Smtp::start();
    let home = home(&snmpd, &smtp, "2s", "ops@example.net");
    let host = |name: &str, more: &str| {
        let port = snmpd.port();
        format!("{name}: {{address: 127.0.0.1, snmp: {{port: {port}}}{more}}}\n")
    };
    home.write(
        "inventory/hosts.yaml",
        &format!(
            "defaults: {{interval: 2s, timeout: 1s}}\n\
             credentials:\n  public: {{type: snmp-v2c, community: public}}\n\
             groups:\n  network:\n    collect: [snmp]\n    credential: public\n    hosts:\n      {}      {}      {}",
            host("core", ""),
            host("door", ", depends_on: [core]"),
            host("roof", ", depends_on: [core]"),
        ),
    );
    home.write(
        "inventory/settings.yaml",
        &format!(
            "mail: {{smtp: \"{}\", from: eider@example.net}}\n\
             notify:\n  ops: {{to: [ops@example.net], group_wait: 5s}}\n",
            smtp.url()
        ),
    );
    let daemon = serve(&home);
    wait_until("every host is polled", PATIENCE, || {
        home.rows("SELECT DISTINCT host FROM poll WHERE ok").len() == 3
    });
    snmpd.stop();
    let mails = smtp.wait_mails(1, PATIENCE);
    assert!(
        mails[0].subject().starts_with("[CRIT] core has not"),
        "{}",
        mails[0].subject()
    );
    snmpd.restart();
    smtp.wait_mails(2, PATIENCE);
    wait_until("the ledger says who was not told", PATIENCE, || {
        let untold = "SELECT host FROM notification WHERE reason = 'ended_untold'";
        home.rows(untold).len() == 2
    });
    let why = home.rows(
        "SELECT DISTINCT host, note FROM notification WHERE reason = 'behind_down_host' ORDER BY host",
    );
    assert_eq!(why.len(), 2);
    assert_eq!(why[0]["host"], "door");
    assert_eq!(why[0]["note"], "core");
    assert!(daemon.stop().success());
    let subjects: Vec<String> = smtp
        .mails()
        .iter()
        .map(|m| m.subject().to_owned())
        .collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[1].starts_with("[OK] core"), "{subjects:?}");
}
