//! Mails as people read them, and what a hostile device makes of them: nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::alert::notice::Reason;
use crate::alert::{AlertKey, AlertState, Closed};
use crate::home::{Folder, Home};
use crate::inventory::{
    AlertSeverity, Comparison, Host, HostSelector, Localized, NotifySettings, Rule,
};

const NOW: UnixSeconds = 1_795_400_000;

fn renderer() -> Renderer {
    let nowhere = tempfile::tempdir().unwrap();
    let home = Home::at(nowhere.path()).unwrap();
    Renderer::new(move |name| home.asset(Folder::Templates, name))
}

fn inventory(language: &str) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.settings.timezone = "Asia/Shanghai".into();
    inventory.settings.public_url = Some("https://eider.example.net/".into());
    inventory.settings.notify.insert(
        "ops".into(),
        NotifySettings {
            to: vec!["ops@example.net".into()],
            language: Some(language.into()),
            group_wait: Duration::from_secs(30),
            repeat: Duration::from_secs(4 * 3600),
        },
    );
    inventory.hosts.insert(
        "web01".into(),
        Arc::new(Host {
            name: "web01".into(),
            address: "web01".into(),
            groups: vec!["web".into()],
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: Vec::new(),
            origins: Vec::new(),
        }),
    );
    let above = |limit| Condition {
        table: "filesystem".into(),
        column: "used_pct".into(),
        op: Comparison::Greater,
        literal: Literal::Number(limit),
    };
    inventory.rules.push(Rule {
        name: "disk-full".into(),
        when: above(90.0),
        hold: Duration::from_secs(600),
        clear_when: Some(Condition {
            op: Comparison::Less,
            ..above(85.0)
        }),
        severity: vec![
            (AlertSeverity::Warning, Some(90.0)),
            (AlertSeverity::Critical, Some(95.0)),
        ],
        summary: Localized {
            en: "{{ host }}: {{ mount }} {{ value|unit('%') }} full".into(),
            zh_cn: Some("{{ host }}：{{ mount }} 已用 {{ value|unit('%') }}".into()),
        },
        hosts: HostSelector::default(),
        origin: Origin::File {
            path: "inventory/rules/base.yaml".into(),
            line: 8,
            column: 5,
            part: String::new(),
        },
    });
    inventory
}

fn alert(id: i64, mount: &str) -> Alert {
    Alert {
        id,
        key: AlertKey {
            rule: "disk-full".into(),
            host: "web01".into(),
            entity: mount.into(),
        },
        state: AlertState::Firing,
        severity: AlertSeverity::Critical,
        peak: AlertSeverity::Critical,
        value: Observed::Number(95.23),
        since: NOW - 840,
        observed_at: NOW,
        stale: false,
        fired_at: Some(NOW - 240),
        resolved_at: None,
        closed: None,
        changed_at: NOW - 240,
        revision: 2,
        summary: String::new(),
        detail: String::new(),
    }
}

fn notice(kind: Kind, alerts: Vec<Alert>) -> Notice {
    let item = |alert| Item {
        alert,
        reason: Reason::Fired,
    };
    Notice {
        receiver: "ops".into(),
        kind,
        at: NOW,
        rule: "disk-full".into(),
        group: "web".into(),
        alerts: alerts.into_iter().map(item).collect(),
        unlisted: Vec::new(),
    }
}

fn letter(language: &str, notice: &Notice) -> Letter {
    let (renderer, inventory) = (renderer(), inventory(language));
    let wording = Wording {
        renderer: &renderer,
        inventory: &inventory,
    };
    wording
        .letter(notice, "abc", "ops@example.net", "example.net")
        .unwrap()
}

#[test]
fn a_mail_says_what_where_since_when_and_what_to_do() {
    let one = notice(Kind::Problem, vec![alert(7, "/var")]);
    let mail = letter("en", &one);
    assert_eq!(mail.subject, "[CRIT] web01: /var 95.2 % full");
    let html = mail.html.replace("&#x2f;", "/");
    for text in [&mail.text, &html] {
        for wanted in [
            "CRITICAL",
            "95.2 %",
            "limit",
            "95 %",
            "clears",
            "85 %",
            "2026-11-23 09:59:20 +08:00",
            "14 min",
            "https://eider.example.net/hosts/web01",
            "inventory/rules/base.yaml:8",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    }
    let mut over = alert(7, "/var");
    over.state = AlertState::Resolved;
    over.closed = Some(Closed::Cleared);
    over.value = Observed::Number(83.9);
    over.resolved_at = Some(NOW + 3600);
    let recovery = letter("en", &notice(Kind::Recovery, vec![over]));
    assert_eq!(
        recovery.subject,
        "[OK] web01: disk-full /var 83.9 % (was critical for 1 h 14 min)"
    );
    assert_eq!(recovery.references, mail.references);
    assert_ne!(mail.references, Vec::<String>::new());
}

#[test]
fn several_are_one_mail_in_the_language_of_the_receiver() {
    let group = notice(Kind::Problem, vec![alert(7, "/var"), alert(8, "/srv")]);
    assert_eq!(
        letter("en", &group).subject,
        "[CRIT] web01: /var 95.2 % full (1 more)"
    );
    let chinese = letter("zh-CN", &group);
    assert_eq!(
        chinese.subject,
        "[严重] web01：/var 已用 95.2 % (另有 1 条)"
    );
    assert!(chinese.text.contains("主机组 web"), "{}", chinese.text);
    assert!(chinese.html.contains("lang=\"zh-CN\""));
    let reminder = letter("en", &notice(Kind::Reminder, vec![alert(7, "/var")]));
    assert_eq!(
        reminder.subject,
        "[CRIT] web01: /var 95.2 % full [reminder]"
    );
    let mut storm = notice(Kind::Problem, (0..30).map(|n| alert(n, "/var")).collect());
    storm.rule = String::new();
    storm.unlisted = vec![(99, AlertSeverity::Warning)];
    let storm = letter("en", &storm);
    assert_eq!(storm.subject, "[CRIT] 31 alerts on 1 hosts");
    assert!(storm.text.contains("and 1 more"), "{}", storm.text);
}

#[test]
fn a_hostile_name_stays_text() {
    let evil =
        "/<script>alert(1)</script>\r\nBcc: x@example.org\r\n\r\n\u{1b}[31m{{ host }}\u{202e}";
    let mail = letter("en", &notice(Kind::Problem, vec![alert(7, evil)]));
    assert!(!mail.html.contains("<script"), "{}", mail.html);
    assert!(mail.html.contains("&lt;script&gt;"), "{}", mail.html);
    assert!(!mail.subject.contains(['\r', '\n', '\u{1b}', '\u{202e}']));
    assert!(mail.subject.contains("{{ host }}"), "{}", mail.subject);
    assert!(!mail.text.contains('\u{1b}'));
    assert!(!mail.text.contains("\nBcc"), "{}", mail.text);
}

#[test]
fn a_broken_rule_template_gives_plain_words() {
    let (renderer, mut inventory) = (renderer(), inventory("en"));
    inventory.rules[0].summary.en = "{{ nothing.of_the_sort }}".into();
    let wording = Wording {
        renderer: &renderer,
        inventory: &inventory,
    };
    let text = wording.summary(&alert(7, "/var"), "en", NOW);
    assert_eq!(text, "web01 disk-full /var 95.2");
}
