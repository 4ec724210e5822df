//! What can be asked, and what is refused.

use super::*;

fn other(s: &str) -> Cell {
    Cell::Other(s.into())
}

#[test]
fn all_types_come_as_cells() {
    let (store, _recorder) = Store::in_memory().unwrap();
    let cases = [
        ("NULL", Cell::Null),
        ("true", Cell::Bool(true)),
        ("42::TINYINT", Cell::Int(42)),
        ("18446744073709551615::UBIGINT", Cell::Int(u64::MAX.into())),
        (
            "170141183460469231731687303715884105727::HUGEINT",
            Cell::Int(i128::MAX),
        ),
        (
            "340282366920938463463374607431768211455::UHUGEINT",
            Cell::Other(u128::MAX.to_string()),
        ),
        ("1.5::FLOAT", Cell::Float(1.5)),
        ("0.1::DOUBLE", Cell::Float(0.1)),
        ("12.340::DECIMAL(9,3)", other("12.340")),
        ("1::DECIMAL(38,0)", other("1")),
        ("-0.05::DECIMAL(4,2)", other("-0.05")),
        ("'中'", text("中")),
        ("DATE '1970-01-02'", Cell::Date(1)),
        ("'infinity'::DATE", other("infinity")),
        (
            "TIMESTAMPTZ '1970-01-01 00:00:01+00'",
            Cell::Time(1_000_000),
        ),
        ("'-infinity'::TIMESTAMPTZ", other("-infinity")),
        (
            "TIMESTAMP '2026-11-23 10:00:00'",
            other("2026-11-23 10:00:00"),
        ),
        (
            "TIMESTAMP_NS '2026-11-23 10:00:00.123456789'",
            other("2026-11-23 10:00:00.123456789"),
        ),
        ("TIME '10:00:01'", other("10:00:01")),
        ("'10:00:01+02'::TIMETZ", other("10:00:01+02")),
        ("INTERVAL '1 day 2 hours'", other("1 day 02:00:00")),
        ("[1, NULL, 3]", other("[1, NULL, 3]")),
        ("{'a': 1, 'b': 'x'}", other("{'a': 1, 'b': x}")),
        ("MAP {'k': 1}", other("{k=1}")),
        ("[1, 2]::INTEGER[2]", other("[1, 2]")),
        ("'\\xAA'::BLOB", other("\\xAA")),
        ("'101'::BIT", other("101")),
        (
            "'eeccb8c5-9943-b2bb-bb5e-222f4e14b687'::UUID",
            other("eeccb8c5-9943-b2bb-bb5e-222f4e14b687"),
        ),
        ("'a'::ENUM('a', 'b')", text("a")),
        ("union_value(k := 1)", other("1")),
        ("'{\"a\":1}'::JSON", text("{\"a\":1}")),
        ("1::VARIANT", other("1")),
        (
            "123456789012345678901234567890::BIGNUM",
            other("123456789012345678901234567890"),
        ),
    ];
    for (sql, want) in cases {
        let answer = store.ask_blocking(&Question::new(format!("SELECT {sql} AS x, 7 AS x")));
        let answer = answer.unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert_eq!(answer.rows[0], [want, Cell::Int(7)], "{sql}");
        assert_ne!(answer.columns[0].sql_type, "", "{sql}");
    }
    let answer = store.ask_blocking(&Question::new("SELECT [1] AS l, now() AS n, 1.5 AS d"));
    let columns = answer.unwrap().columns;
    let types: Vec<_> = columns.into_iter().map(|c| c.sql_type).collect();
    assert_eq!(
        types,
        ["INTEGER[]", "TIMESTAMP WITH TIME ZONE", "DECIMAL(2,1)"]
    );
}

#[test]
fn parameters_are_bound_by_name_and_times_are_exact_in_every_zone() {
    let (store, _recorder) = Store::in_memory().unwrap();
    // In the hour that New York has twice in autumn.
    let instant = Cell::Time(1_793_512_800_123_456);
    for (timezone, wall) in [
        ("UTC", "2026-11-01 06:00:00.123456"),
        ("Asia/Shanghai", "2026-11-01 14:00:00.123456"),
        ("America/New_York", "2026-11-01 01:00:00.123456"),
    ] {
        let mut question = Question::new(
            "SELECT $t AS t, $t - INTERVAL 1 DAY AS y, $n + 1 AS n, $s AS s, $i AS i,
                    $t::TIMESTAMP AS wall, '$t' AS quoted, $none IS NULL AS none, $f AS f, $b AS b",
        )
        .bind("t", instant.clone())
        .bind("n", Cell::Int(41))
        .bind("s", text("'; DROP TABLE x; --"))
        .bind("i", other("90 minutes"))
        .bind("none", Cell::Null)
        .bind("f", Cell::Float(0.1))
        .bind("b", Cell::Bool(true))
        .bind("unused", Cell::Int(1));
        question.timezone = timezone.into();
        let row = store.ask_blocking(&question).unwrap().rows.remove(0);
        assert_eq!(row[0], instant, "{timezone}");
        assert!(matches!(row[1], Cell::Time(_)));
        assert_eq!(row[2], Cell::Int(42));
        assert_eq!(row[3], text("'; DROP TABLE x; --"));
        assert_eq!(row[4], other("01:30:00"));
        assert_eq!(row[5], other(wall));
        assert_eq!(row[6], text("$t"));
        assert_eq!(
            row[7..],
            [Cell::Bool(true), Cell::Float(0.1), Cell::Bool(true)]
        );
    }
    let missing = store.ask_blocking(&Question::new("SELECT $a")).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the parameter $a was not given a value"
    );
}

#[test]
fn rows_are_capped_and_the_cap_is_told() {
    let (store, _recorder) = Store::in_memory().unwrap();
    let mut question = Question::new("SELECT range FROM range(1000000000)");
    question.max_rows = 3;
    let answer = store.ask_blocking(&question).unwrap();
    assert_eq!(
        answer.rows,
        [[Cell::Int(0)], [Cell::Int(1)], [Cell::Int(2)]]
    );
    assert!(answer.truncated);
    question.sql = "SELECT range FROM range(3)".into();
    assert!(!store.ask_blocking(&question).unwrap().truncated);
}

#[test]
fn a_long_question_is_stopped_and_the_reader_stays_good() {
    let (store, _recorder) = Store::in_memory().unwrap();
    let mut question = Question::new(
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7",
    );
    question.timeout = Duration::from_millis(300);
    let error = store.ask_blocking(&question).unwrap_err();
    assert!(matches!(error, StoreError::Timeout(_)), "{error}");
    for _ in 0..8 {
        assert_eq!(one(&store, "SELECT 1"), Cell::Int(1));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let (store, _recorder) = Store::in_memory().unwrap();
    let only_reading =
        "only reading is allowed: one SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN";
    let cases = [
        (
            "SELEC 1",
            "syntax error at or near \"SELEC\"\n\nline 1, column 1:\nLINE 1: SELEC 1\n        ^",
        ),
        (
            "SELECT 1; SELECT 2",
            "one statement at a time, please: these are 2",
        ),
        ("", "there is no statement"),
        ("-- nothing", "there is no statement"),
        ("DROP TABLE raw.host", only_reading),
    ];
    for (sql, want) in cases {
        let error = store.ask_blocking(&Question::new(sql)).unwrap_err();
        assert_eq!(error.to_string(), want);
    }
    let error = store.ask_blocking(&Question::new("SELECT nam FROM host"));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("\"nam\" not found") && error.contains("\"name\""),
        "{error}"
    );
    let mut question = Question::new("SELECT 1");
    question.timezone = "Mars/Olympus".into();
    let error = store.ask_blocking(&question).unwrap_err().to_string();
    assert!(
        error.starts_with("unknown time zone `Mars/Olympus`"),
        "{error}"
    );
}

#[test]
fn explain_describe_show_and_summarize_are_questions() {
    let (store, _recorder) = Store::in_memory().unwrap();
    let all = [
        "EXPLAIN SELECT * FROM interface",
        "EXPLAIN ANALYZE SELECT 1",
        "DESCRIBE interface",
        "SHOW TABLES",
        "SUMMARIZE SELECT 1 AS a",
        "FROM range(3)",
        "VALUES (1, 2)",
        "SELECT * FROM system",
        "SELECT 1;",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a",
        "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1",
    ];
    for sql in all {
        let answer = store.ask_blocking(&Question::new(sql));
        assert!(answer.is_ok(), "{sql}: {answer:?}");
    }
}
