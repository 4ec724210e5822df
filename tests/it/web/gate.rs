//! Who is let in, from where, and what every answer carries.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fleet::{Fleet, Member};
use crate::support::{TestHome, http};

fn small() -> Fleet {
    Fleet::start(&[Member::well("web01", "web")], 3)
}

fn request(fleet: &Fleet, method: &str, path: &str, headers: &[(&str, &str)]) -> http::Response {
    let url = format!("{}{path}", fleet.url);
    http::request(method, &url, headers, b"").expect("an answer")
}

#[test]
fn a_name_that_is_not_ours_is_misdirected() {
    let fleet = small();
    for host in [
        "evil.example",
        "evil.example:80",
        "192.0.2.1",
        "localhost.evil.example",
        "",
    ] {
        let response = request(&fleet, "GET", "/", &[("Host", host)]);
        assert_eq!(response.status, 421, "{host}");
    }
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8080"] {
        let response = request(&fleet, "GET", "/", &[("Host", host)]);
        assert_eq!(response.status, 200, "{host}");
    }
    let probe = request(&fleet, "GET", "/healthz", &[("Host", "10.0.0.9")]);
    assert_eq!((probe.status, probe.text().as_str()), (200, "ok\n"));
}

#[test]
fn an_order_needs_our_own_origin() {
    let fleet = small();
    let own = fleet.url.clone();
    let post = |headers: &[(&str, &str)]| request(&fleet, "POST", "/logout", headers).status;
    assert_eq!(post(&[]), 403);
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", ""] {
        assert_eq!(post(&[("Origin", origin)]), 403, "{origin}");
    }
    assert_eq!(post(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(post(&[("Origin", &own)]), 303);
    assert_eq!(post(&[("Sec-Fetch-Site", "same-origin")]), 303);
}

#[test]
fn every_answer_carries_the_headers() {
    let fleet = small();
    for path in [
        "/",
        "/hosts/web01",
        "/healthz",
        "/metrics",
        "/static/eider.css",
        "/nowhere",
    ] {
        let response = request(&fleet, "GET", path, &[]);
        let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
        assert!(
            header("content-security-policy").starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        let cache = if path.starts_with("/static/") {
            "no-cache"
        } else {
            "no-store"
        };
        assert_eq!(header("cache-control"), cache, "{path}");
    }
    let address = fleet.url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut head = String::new();
    stream.read_to_string(&mut head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "no body: {head}");
    let zipped = request(
        &fleet,
        "GET",
        "/static/eider.css",
        &[("Accept-Encoding", "gzip")],
    );
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.header("vary").is_some());
}

#[test]
fn what_does_not_exist_is_told_in_the_language_of_the_asker() {
    let fleet = small();
    let page = request(&fleet, "GET", "/nowhere", &[("Accept", "text/html")]);
    assert_eq!(page.status, 404);
    assert!(page.text().contains("404 · Not found"), "{}", page.text());
    let problem = request(&fleet, "GET", "/api/v1/nowhere", &[]);
    assert_eq!(problem.status, 404);
    assert_eq!(
        problem.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(problem.json()["status"], 404);
    let own = fleet.url.clone();
    let method = request(&fleet, "DELETE", "/hosts/web01", &[("Origin", &own)]);
    assert_eq!(method.status, 405);
    let slash = request(&fleet, "GET", "/hosts/web01/?a=1", &[]);
    assert_eq!(
        (slash.status, slash.header("location")),
        (308, Some("/hosts/web01?a=1"))
    );
    let elsewhere = request(&fleet, "GET", "//evil.example/", &[]);
    assert_eq!(
        (elsewhere.status, elsewhere.header("location")),
        (404, None)
    );
}

#[test]
fn once_there_are_users_everyone_logs_in() {
    let fleet = small();
    fleet.users().set("ada", "correct horse").unwrap();
    for (path, location) in [
        ("/", "/login?next=/"),
        ("/hosts/web01", "/login?next=/hosts/web01"),
    ] {
        let away = request(&fleet, "GET", path, &[]);
        assert_eq!(
            (away.status, away.header("location")),
            (303, Some(location))
        );
    }
    for path in ["/api/v1/status", "/metrics", "/events", "/q/top_cpu.json"] {
        assert_eq!(request(&fleet, "GET", path, &[]).status, 401, "{path}");
    }
    for path in ["/healthz", "/login", "/static/eider.css"] {
        assert_eq!(request(&fleet, "GET", path, &[]).status, 200, "{path}");
    }
    let own = fleet.url.clone();
    let log_in = |body: &str| {
        let url = format!("{}/login", fleet.url);
        http::post(&url, &[("Origin", &own)], body.as_bytes())
    };
    let wrong = log_in("name=ada&password=wrong+horse&next=/alerts");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    assert!(wrong.text().contains("The name or the password is wrong."));
    let right = log_in("name=ada&password=correct+horse&next=/alerts");
    assert_eq!(
        (right.status, right.header("location")),
        (303, Some("/alerts"))
    );
    let cookie = right.header("set-cookie").unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let session = cookie.split(';').next().unwrap().to_owned();
    let inside = |path: &str| request(&fleet, "GET", path, &[("Cookie", &session)]);
    assert!(inside("/").text().contains("ada"));
    let basic = format!("Basic {}", STANDARD.encode("ada:correct horse"));
    let metrics = request(&fleet, "GET", "/metrics", &[("Authorization", &basic)]);
    assert_eq!(metrics.status, 200);
    let out = request(
        &fleet,
        "POST",
        "/logout",
        &[("Origin", &own), ("Cookie", &session)],
    );
    assert_eq!(out.status, 303);
    assert_eq!(inside("/").status, 303);
    fleet.users().remove("ada").unwrap();
    assert_eq!(request(&fleet, "GET", "/", &[]).status, 200);
}

#[test]
fn other_machines_need_a_password_file() {
    let members = [Member::well("web01", "web")];
    let refused = Fleet::start_on(&members, 0, ([0, 0, 0, 0], 0).into());
    let said = refused.err().expect("refused").to_string();
    assert!(said.contains("eider user add NAME"), "{said}");
    let fleet = small();
    let taken = fleet.url.trim_start_matches("http://").parse().unwrap();
    let said = Fleet::start_on(&members, 0, taken)
        .err()
        .expect("in use")
        .to_string();
    assert_eq!(
        said,
        format!("{taken} is in use: choose another with --listen or server.listen")
    );
}

#[test]
fn the_verb_user_keeps_the_password_file() {
    let home = TestHome::new().with("inventory/hosts.yaml", "version: 1\n");
    let with_input = |args: &[&str], input: &str| {
        let file = home.path().join("input");
        std::fs::write(&file, input).unwrap();
        let mut command = home.command(args);
        command.stdin(std::fs::File::open(file).unwrap());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, _, said) = with_input(&["user", "add", "ada"], "short\n");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("at least 8 characters"), "{said}");
    let (_, said, error) = with_input(&["user", "add", "ada"], "correct horse\n");
    assert!(said.starts_with("added ada"), "{said}{error}");
    let (_, said, error) = with_input(&["user", "add", "ada"], "battery staple\n");
    assert!(said.starts_with("changed ada"), "{said}{error}");
    assert_eq!(home.succeed(&["user", "list"]), "ada\n");
    let file = std::fs::read_to_string(home.data().join("state/users")).unwrap();
    assert!(
        file.starts_with("ada:$argon2id$") && !file.contains("battery"),
        "{file}"
    );
    assert_eq!(home.run(&["user", "remove", "bob"]).code, 2);
    home.succeed(&["user", "remove", "ada"]);
    assert_eq!(home.succeed(&["user", "list"]), "");
}
