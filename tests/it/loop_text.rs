//! What a device says about itself is text, on every page and in every mail.

use crate::support::{Daemon, PATIENCE, Smtp, Snmpd, TestHome, http, wait_until};

const SCRIPT: &str = "<script>alert(1)</script>";
const IMAGE: &str = "<img src=x onerror=alert(2)>";

/// A device that calls itself and its first port a script. `override` is net-snmp's own way.
fn device() -> Snmpd {
    let extra = format!(
        "override 1.3.6.1.2.1.31.1.1.1.1.1 octet_str \"{SCRIPT}\"\n\
         override 1.3.6.1.2.1.31.1.1.1.18.1 octet_str \"{IMAGE}\"\n\
         override 1.3.6.1.2.1.1.1.0 octet_str \"{SCRIPT}{IMAGE}\"\n"
    );
    Snmpd::start_with(SCRIPT, &extra)
}

fn home_of(snmpd: &Snmpd, smtp: &Smtp) -> TestHome {
    let hosts = format!(
        "version: 1\n\
         defaults: {{interval: 1s}}\n\
         credentials:\n  ro: {{type: snmp-v2c, community: public}}\n\
         hosts:\n  switch: {{address: 127.0.0.1, collect: [snmp], credential: ro, snmp: {{port: {}}}}}\n",
        snmpd.port()
    );
    let settings = format!(
        "version: 1\n\
         mail: {{smtp: \"{}\", from: \"Eider <eider@example.net>\"}}\n\
         notify:\n  ops: {{to: [ops@example.net], group_wait: 0s}}\n",
        smtp.url()
    );
    let rules = "rules:\n  - alert: port-seen\n    when: interface.state = up\n    severity: warning\n    summary: \"{{ host }}: {{ interface }} is {{ value }}\"\n";
    TestHome::new()
        .with("inventory/hosts.yaml", &hosts)
        .with("inventory/settings.yaml", &settings)
        .with("inventory/rules/base.yaml", rules)
}

#[test]
fn a_devices_text_stays_text_on_every_page_and_in_every_mail() {
    let (snmpd, smtp) = (device(), Smtp::start());
    let home = home_of(&snmpd, &smtp);
    let daemon = Daemon::start_with(&home, &["--rules-every", "1"], &[]);
    wait_until("the port's name has come", PATIENCE, || {
        let named = format!("SELECT count(*) AS n FROM interface WHERE interface = '{SCRIPT}'");
        home.rows(&named)[0]["n"] != 0
    });
    let mails = smtp.wait_mails(1, PATIENCE);

    let pages = [
        "/",
        "/hosts/switch",
        "/alerts",
        "/status",
        "/no-such-page",
        "/hosts/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/?lang=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/hosts/switch?from=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ];
    let shown = pages
        .iter()
        .filter(|path| is_harmless(daemon.url(), path))
        .count();
    assert!(shown > 1, "hardly a page showed what the device said");

    for mail in &mails {
        assert!(
            !mail.html.contains(SCRIPT) && !mail.html.contains("<img src"),
            "{}",
            mail.html
        );
        let odd = mail
            .headers
            .iter()
            .find(|(_, value)| value.contains(['\r', '\n']));
        assert!(odd.is_none(), "{odd:?}");
    }
    let named = |mail: &&crate::support::smtp::Mail| {
        mail.text.contains(SCRIPT) && mail.html.contains("&lt;script&gt;")
    };
    assert!(
        mails.iter().any(|mail| named(&mail)),
        "no mail named the port: {}",
        mails[0].text
    );
}

/// Nothing of the device's is an element of the page. Answers whether the page showed it as text.
fn is_harmless(url: &str, path: &str) -> bool {
    let response = http::get(&format!("{url}{path}"));
    let page = response.text();
    for element in ["<script>alert", "<img src=x", "onerror=alert(2)>"] {
        assert!(
            !page.contains(element),
            "{path} lets {element} through:\n{page}"
        );
    }
    let policy = response
        .header("content-security-policy")
        .unwrap_or_default();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("unsafe"),
        "{path}: {policy:?}"
    );
    assert_eq!(
        response.header("x-content-type-options"),
        Some("nosniff"),
        "{path}"
    );
    page.contains("&lt;script&gt;")
}

#[test]
fn a_devices_text_cannot_steer_a_terminal() {
    let esc = "\u{1b}]0;owned\u{7}";
    let snmpd = Snmpd::start_with(
        "plain",
        &format!("override 1.3.6.1.2.1.31.1.1.1.1.1 octet_str \"{esc}eth\"\n"),
    );
    let smtp = Smtp::start();
    let home = home_of(&snmpd, &smtp);
    let _daemon = Daemon::start(&home);
    wait_until("the port's name has come", PATIENCE, || {
        home.rows("SELECT count(*) AS n FROM interface WHERE interface LIKE '%eth'")[0]["n"] != 0
    });
    for verb in [
        vec!["query", "-e", "SELECT DISTINCT interface FROM interface"],
        vec!["poll", "switch"],
    ] {
        let printed = home.succeed(&verb);
        assert!(printed.contains("eth"), "{printed}");
        assert!(
            !printed.contains(['\u{1b}', '\u{7}']),
            "{verb:?} lets control characters through: {printed:?}"
        );
    }
}
