//! What the pages show.

use super::fleet::{Fleet, Member, Mood};
use super::markup::elements;
use crate::support::http;

const PATHS: [&str; 6] = [
    "/",
    "/hosts/web01",
    "/hosts/web02",
    "/alerts",
    "/q",
    "/status",
];
const QUERIES: [&str; 6] = [
    "availability",
    "disk_forecast",
    "memory_pressure",
    "top_cpu",
    "top_interfaces",
    "zombies",
];

fn members(text: &'static str) -> Vec<Member> {
    let mut members = vec![
        Member::well("web01", "web"),
        Member::well("web02", "web").feeling(Mood::Down),
        Member::well("web03", "web").feeling(Mood::Partly),
        Member::well("db01", "database").feeling(Mood::Silent),
        Member::well("db02", "database").feeling(Mood::Ill),
    ];
    for member in &mut members {
        member.text = text;
    }
    members
}

fn page(fleet: &Fleet, path: &str) -> String {
    let response = http::get(&format!("{}{path}", fleet.url));
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    response.text().replace("&#x2f;", "/")
}

#[test]
fn the_overview_tells_problems_first_and_every_host() {
    let fleet = Fleet::start(&members(""), 60);
    let html = page(&fleet, "/");
    let at = |text: &str| {
        html.find(text)
            .unwrap_or_else(|| panic!("no {text} in {html}"))
    };
    assert!(at("no answer on udp") < at("Fullest disk"));
    for word in ["■</i> DOWN", "○</i> SILENT", "▲</i> WARN", "●</i> OK"] {
        at(word);
    }
    assert!(at("rowgroup\" colspan=\"10\">web") < at("rowgroup\" colspan=\"10\">database"));
    for host in ["web01", "web02", "web03", "db01", "db02"] {
        at(&format!("<a href=\"/hosts/{host}\">"));
    }
    at("72.1 %");
    at("Mbit/s");
    at("+08:00");
    fleet.reject("error[unknown-key]: unknown key `credentail`");
    for path in PATHS {
        let html = page(&fleet, path);
        assert!(html.contains("unknown key `credentail`"), "{path}");
    }
}

#[test]
fn a_host_page_shows_everything_about_it() {
    let fleet = Fleet::start(&members(""), 60);
    let html = page(&fleet, "/hosts/web01?from=now-1h");
    for text in [
        "192.0.2.7",
        "Debian GNU/Linux 13 (trixie)",
        "Rack 1",
        "customer 0",
        "/dev/mapper/vg0",
        "postgres",
        "1 Gbit/s",
        "100 % of",
        "eth0 is up",
        "<path class=\"line c0\" d=\"M",
        "now-7d",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert_eq!(html.matches("<figure class=\"chart\">").count(), 6);
    // A year is drawn of rollups, which reach to this hour and know the peaks.
    let html = page(&fleet, "/hosts/web01?from=now-365d");
    assert_eq!(html.matches("<figure class=\"chart\">").count(), 6);
    assert_eq!(html.matches("class=\"line c0\" d=\"M").count(), 6, "{html}");
    assert!(html.contains("peak"), "{html}");
    let html = page(&fleet, "/hosts/web02");
    assert!(
        html.contains("no answer on udp/161 (2 retries, 5 s)"),
        "{html}"
    );
    assert!(html.contains("host-down"), "{html}");
    let missing = http::get(&format!("{}/hosts/nobody", fleet.url));
    assert_eq!(missing.status, 404);
}

/// A device that puts markup into every text it may set changes no element and no attribute of any
/// page.
#[test]
fn text_from_devices_makes_no_markup() {
    const TEXT: &str =
        "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7*7 }}{% raw %}&#60;b>";
    let calm = Fleet::start(&members(""), 30);
    let hostile = Fleet::start(&members(TEXT), 30);
    let queries = QUERIES.map(|name| format!("/q/{name}"));
    let paths = PATHS.into_iter().chain(queries.iter().map(String::as_str));
    let mut seen = 0;
    for path in paths.flat_map(|path| [path.to_owned(), format!("{path}?lang=zh-CN")]) {
        let response = http::get(&format!("{}{path}", hostile.url));
        let html = response.text();
        assert_eq!(response.status, 200, "{path}: {html}");
        seen += html.matches("&lt;script&gt;alert(1)").count();
        assert_eq!(elements(&html), elements(&page(&calm, &path)), "{path}");
        let policy = response.header("content-security-policy").expect(&path);
        assert!(policy.contains("default-src 'none'; script-src 'self'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        let scripts = elements(&html)
            .into_iter()
            .filter(|(name, _)| name == "script");
        assert_eq!(
            scripts.collect::<Vec<_>>(),
            [(
                "script".to_owned(),
                vec!["src".to_owned(), "defer".to_owned()]
            )]
        );
        let inline = |(_, names): &(String, Vec<String>)| {
            names.iter().any(|n| n.starts_with("on") || n == "style")
        };
        assert!(!elements(&html).iter().any(inline), "{path}");
    }
    assert!(seen > 100, "the text stands on the pages: {seen}");
    let echo = http::get(&format!("{}/%3Cscript%3Ealert(1)", hostile.url));
    assert_eq!(echo.status, 404);
    assert!(!echo.text().contains("<script>alert"));
}

#[test]
fn queries_answer_as_pages_and_files() {
    let fleet = Fleet::start(&members(""), 60);
    let list = page(&fleet, "/q");
    for name in QUERIES {
        assert!(list.contains(&format!("/q/{name}")), "{name}: {list}");
        let html = page(&fleet, &format!("/q/{name}"));
        assert!(html.contains("<form class=\"ask\""), "{html}");
        for (ending, kind) in [("csv", "text/csv"), ("json", "application/json")] {
            let file = http::get(&format!("{}/q/{name}.{ending}", fleet.url));
            assert_eq!(file.status, 200, "{}", file.text());
            assert!(file.header("content-type").unwrap().starts_with(kind));
        }
    }
    let html = page(
        &fleet,
        "/q/top_interfaces?from=now-1h&top=3&by=p95&lang=zh-CN",
    );
    assert!(html.contains("流量最大的接口"), "{html}");
    assert!(html.contains("<option value=\"p95\" selected>"), "{html}");
    assert_eq!(html.matches("<a href=\"/hosts/").count(), 3, "{html}");
    let wrong = http::get(&format!("{}/q/top_interfaces?top=many", fleet.url));
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("whole number"), "{}", wrong.text());
    assert_eq!(http::get(&format!("{}/q/nothing", fleet.url)).status, 404);
    let escape = http::get(&format!("{}/q/..%2f..%2fetc%2fpasswd", fleet.url));
    assert_eq!(escape.status, 404);
}

#[test]
fn question_pages_sort_draw_and_say_why_they_are_empty() {
    let fleet = Fleet::start(&members(""), 60);
    let html = page(&fleet, "/q/top_cpu?sort=host");
    assert!(html.contains("aria-sort=\"ascending\""), "{html}");
    assert!(html.contains("sort=-mean_pct"), "{html}");
    assert!(html.contains("<figure class=\"chart drawing\">"), "{html}");
    let file = http::get(&format!("{}/q/top_cpu.csv?sort=host", fleet.url));
    assert_eq!(file.status, 200, "{}", file.text());
    let why = [
        (
            "/q/reboots?host=nohost",
            "The inventory has no host nohost.",
        ),
        (
            "/q/zombies?least=1000",
            "nothing that this question asks for",
        ),
    ];
    for (path, words) in why {
        let html = page(&fleet, path);
        assert!(html.contains(words), "{path}: {html}");
    }
    let network = page(&fleet, "/q?tag=network");
    assert!(network.contains("/q/billing_95"), "{network}");
    assert!(!network.contains("/q/top_cpu"), "{network}");
}

#[test]
fn the_language_follows_the_link_the_cookie_and_the_browser() {
    let fleet = Fleet::start(&[Member::well("web01", "web")], 3);
    let speaks = |path: &str, headers: &[(&str, &str)]| {
        let response = http::request("GET", &format!("{}{path}", fleet.url), headers, b"");
        let response = response.expect("an answer");
        let html = response.text();
        let start = html.find("<html lang=\"").expect("a page") + 12;
        let language = html[start..]
            .split('"')
            .next()
            .unwrap_or_default()
            .to_owned();
        (language, response.header("set-cookie").map(str::to_owned))
    };
    assert_eq!(speaks("/", &[]), ("en".into(), None));
    let (language, cookie) = speaks("/?lang=zh-CN", &[]);
    assert_eq!(language, "zh-CN");
    assert!(cookie.unwrap().starts_with("eider_lang=zh-CN;"));
    let from_cookie = speaks(
        "/",
        &[
            ("Cookie", "a=b; eider_lang=zh-CN"),
            ("Accept-Language", "en"),
        ],
    );
    assert_eq!(from_cookie.0, "zh-CN");
    assert_eq!(
        speaks("/", &[("Accept-Language", "zh;q=0.9, de")]).0,
        "zh-CN"
    );
    assert_eq!(speaks("/?lang=%3Cscript%3E", &[]), ("en".into(), None));
}

#[test]
fn two_hundred_hosts_fit_on_one_page() {
    let names = (0..200).map(|n| &*Box::leak(format!("host{n:03}").into_boxed_str()));
    let members: Vec<Member> = names.map(|name| Member::well(name, "many")).collect();
    let fleet = Fleet::start(&members, 4);
    let html = page(&fleet, "/");
    assert_eq!(html.matches("<th scope=\"row\">").count(), 200);
    assert_eq!(html.matches("72.0 %").count(), 200);
}

#[test]
fn an_empty_home_says_what_to_do_next() {
    let fleet = Fleet::start(&[], 0);
    let html = page(&fleet, "/");
    assert!(html.contains("inventory/hosts.yaml"), "{html}");
    assert!(html.contains("eider check"), "{html}");
}
