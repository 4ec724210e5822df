//! The doors: the API, the command line, with and without a daemon.

use serde_json::json;

use super::{BATCHES, ask, home};
use crate::support::{Daemon, http, wait_for};

#[test]
fn the_api_answers_in_every_format_and_tells_its_caps() {
    let home = home();
    let daemon = Daemon::start(&home);
    let sql =
        "SELECT host, interface, in_octets FROM interface WHERE in_octets >= $least ORDER BY 3";
    let body = |format: &str| json!({"sql": sql, "format": format, "params": {"least": 202}});
    let csv = ask(&daemon, &body("csv"));
    assert_eq!(csv.status, 200, "{}", csv.text());
    assert_eq!(
        csv.text(),
        "host,interface,in_octets\na,port202,202\na,port203,203\n"
    );
    assert_eq!(csv.header("x-eider-max-rows"), Some("10000"));
    assert_eq!(csv.header("x-eider-max-bytes"), Some("16777216"));
    assert!(csv.header("x-eider-as-of").is_some());
    assert_eq!(csv.header("x-eider-truncated"), None);
    let json_text = ask(&daemon, &body("json")).json();
    assert_eq!(json_text["rows"][1]["in_octets"], 203);
    assert_eq!(json_text["truncated"], false);
    assert_eq!(ask(&daemon, &body("ndjson")).text().lines().count(), 2);
    assert_eq!(ask(&daemon, &body("md")).text().lines().count(), 4);
    assert!(
        ask(&daemon, &body("table"))
            .text()
            .starts_with("host  interface")
    );
    let parquet = ask(&daemon, &body("parquet"));
    assert_eq!(&parquet.body[..4], b"PAR1");
    assert_eq!(&parquet.body[parquet.body.len() - 4..], b"PAR1");
    let arrow = ask(&daemon, &body("arrow"));
    assert_eq!(&arrow.body[..4], b"\xff\xff\xff\xff");
    assert_eq!(
        arrow.header("content-type"),
        Some("application/vnd.apache.arrow.stream")
    );
    caps(&daemon);
    mistakes(&daemon);
    // Without an Origin of ours nothing is asked: a strange page must not make a browser ask.
    let url = format!("{}/api/v1/sql", daemon.url());
    let strange = http::post(&url, &[], b"{\"sql\": \"SELECT 1\"}");
    assert_eq!(strange.status, 403, "{}", strange.text());
    wait_for(
        "every child's directory has gone",
        crate::support::PATIENCE,
        || {
            let left = std::fs::read_dir(home.data().join("adhoc")).ok()?;
            let mut names =
                left.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned()));
            names.all(|name| !name.starts_with("run-")).then_some(())
        },
    );
    assert!(daemon.stop().success());
}

fn caps(daemon: &Daemon) {
    let many = "SELECT range AS n, repeat('x', 100) AS s FROM range(20000)";
    let cut = ask(daemon, &json!({"sql": many, "format": "csv"}));
    assert_eq!(cut.text().lines().count(), 10_001);
    let all = ask(daemon, &json!({"sql": many, "format": "csv", "all": true}));
    assert_eq!(all.text().lines().count(), 20_001);
    assert_eq!(all.header("x-eider-max-rows"), None);
    assert_eq!(all.header("x-eider-max-bytes"), Some("1073741824"));
    let few = ask(
        daemon,
        &json!({"sql": many, "format": "json", "max_rows": 3}),
    );
    assert_eq!(few.json()["truncated"], true);
    assert_eq!(few.header("x-eider-truncated"), Some("true"));
    // 16 MiB come before 10,000 rows.
    let wide = "SELECT repeat('x', 5000) AS s FROM range(9000)";
    let cut = ask(daemon, &json!({"sql": wide, "format": "ndjson"}));
    assert!(cut.body.len() <= 16 << 20, "{}", cut.body.len());
    assert!(cut.body.len() > 15 << 20, "{}", cut.body.len());
}

fn mistakes(daemon: &Daemon) {
    let cases = [
        (
            "SELECT host,\n       in_bsp\nFROM interface",
            "line 2, column 8:\nLINE 2:        in_bsp\n               ^",
        ),
        ("SELECT in_bsp FROM interface", "\"in_bps\""),
        ("SELECT 1 FROM interfaces", "Did you mean \"interface\"?"),
        ("SELEC 1", "line 1, column 1"),
        (
            "SELECT * FROM poll WHERE ts > $since",
            "$since was not given",
        ),
        ("SELECT cunt(*) FROM poll", "Did you mean \"count\"?"),
        ("", "no statement"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("DELETE FROM host", "only reading is allowed"),
        (
            "SELECT * FROM read_text('/etc/passwd')",
            "no files, no network",
        ),
        ("SELECT CAST('a' AS INTEGER)", "line 1, column 8"),
    ];
    for (sql, words) in cases {
        let wrong = ask(daemon, &json!({"sql": sql}));
        assert_eq!(wrong.status, 400, "{sql}: {}", wrong.text());
        let detail = wrong.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(detail.contains(words), "{sql}: {detail}");
    }
    let body = json!({"sql": "SELECT 1", "format": "xml"});
    assert_eq!(ask(daemon, &body).status, 400);
    assert_eq!(ask(daemon, &json!({"sq": 1})).status, 400);
}

#[test]
fn answers_show_every_row_whether_sealed_or_not_and_every_view_with_its_comments() {
    let home = home();
    let check = || {
        let rows = home.rows("SELECT count(*) AS n, sum(in_octets)::BIGINT AS s FROM interface WHERE host = 'a' AND in_octets BETWEEN 1 AND 203");
        assert_eq!(rows[0]["n"], BATCHES + 3);
        assert_eq!(rows[0]["s"], 203 * 204 / 2);
        let sealed =
            home.rows("SELECT count(*) AS n FROM sealed_file WHERE table_name = 'interface'");
        assert!(sealed[0]["n"].as_i64() > Some(0), "{sealed:?}");
        let bare = home.rows("SELECT count(*) AS n FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal AND comment IS NULL");
        assert_eq!(bare[0]["n"], 0);
        let views = home.rows("SELECT count(*) AS n FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal AND comment IS NOT NULL");
        assert!(views[0]["n"].as_i64() > Some(20), "{views:?}");
        // What no view shows is not there.
        let outcome = home.run(&["query", "-e", "SELECT * FROM raw.push_key"]);
        assert!(
            outcome.stderr.contains("does not exist"),
            "{}",
            outcome.stderr
        );
    };
    check();
    let daemon = Daemon::start(&home);
    check();
    let views = home
        .rows("SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal");
    for view in views {
        let view = view["view_name"].as_str().expect("a name").to_owned();
        home.rows(&format!("SELECT * FROM \"{view}\" LIMIT 1"));
    }
    assert!(daemon.stop().success());
}

#[test]
fn standard_input_is_sql_and_a_file_holds_all_rows() {
    let home = home();
    let out = home.path().join("all.csv");
    let args = ["query", "-e", "FROM range(30000)", "--out"];
    let mut args: Vec<&str> = args.to_vec();
    args.push(out.to_str().expect("UTF-8"));
    let asked = || {
        home.succeed(&args);
        let text = std::fs::read_to_string(&out).expect("the file");
        assert_eq!(text.lines().count(), 30_001);
        std::fs::remove_file(&out).expect("it goes");
        let mut command = home.command(&["query", "-", "-o", "csv"]);
        let file = home.path().join("q.sql");
        std::fs::write(&file, "SELECT 42 AS n\n").expect("the home is writable");
        let stdin = std::fs::File::open(&file).expect("the file");
        let output = command.stdin(stdin).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "n\n42\n");
        // A mistake leaves no file.
        let wrong = home.run(&[
            "query",
            "-e",
            "FROM nosuch",
            "--out",
            out.to_str().expect("UTF-8"),
        ]);
        assert_eq!(wrong.code, 1);
        assert!(!out.exists());
    };
    asked();
    let daemon = Daemon::start(&home);
    asked();
    assert!(daemon.stop().success());
}

#[test]
fn a_question_under_way_tells_its_progress_and_is_cancelled() {
    let home = home();
    let daemon = Daemon::start(&home);
    let one = format!("{}/api/v1/sql/question-1", daemon.url());
    let own = daemon.url().to_owned();
    let endless =
        "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range % 7 = b.range % 5";
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&daemon, &json!({"sql": endless, "id": "question-1"})));
        let progress = wait_for(
            "the question is under way",
            crate::support::PATIENCE,
            || {
                let told = http::get(&one);
                (told.status == 200).then(|| told.json())
            },
        );
        assert!(progress["elapsed_ms"].is_u64(), "{progress}");
        let child = wait_for("its child runs", crate::support::PATIENCE, || {
            super::children_of(daemon.pid()).first().copied()
        });
        let gone = http::request("DELETE", &one, &[("Origin", &own)], b"").expect("an answer");
        assert_eq!(gone.status, 204, "{}", gone.text());
        let answer = asked.join().expect("the answer");
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert_eq!(answer.json()["detail"], "cancelled");
        wait_for("the child has gone", crate::support::PATIENCE, || {
            (!super::answers_sql(child)).then_some(())
        });
    });
    assert_eq!(http::get(&one).status, 404);
    assert!(daemon.stop().success());
}
