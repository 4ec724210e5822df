//! What `eider check` finds in queries before anybody asks them.

use super::*;
use crate::inventory::SourceFile;
use crate::table::Tables;

#[test]
fn the_check_tells_file_and_line() {
    let front = "/*---\ntitle: A\nparams:\n  group: {type: group, default: \"\"}\n---*/\n";
    let cases = [
        (
            "SELECT 1",
            (4, 3),
            "`group` is declared but the SQL does not use it",
        ),
        ("SELECT $group,\n  $grop", (7, 3), "uses `$grop`"),
        ("SELECT $group\n  FROM hots", (7, 8), "hots"),
        ("SELECT $group\n  FROM host WHERE nam = 'a'", (7, 19), "nam"),
        ("SELEC $group", (6, 1), "syntax error"),
        ("DROP TABLE raw.host; SELECT $group", (1, 1), "only reading"),
        ("SELECT $group; SELECT $group", (1, 1), "one statement"),
        ("SELECT $group + INTERVAL 1 DAY", (6, 15), "interval"),
    ];
    for (sql, at, words) in cases {
        let file = SourceFile {
            private: false,
            path: "queries/a.sql".into(),
            text: format!("{front}{sql}"),
        };
        let (good, problems) = check_queries(&[file], &Tables::default()).unwrap();
        assert!(good.is_empty(), "{sql}");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0]
                .message
                .to_lowercase()
                .contains(&words.to_lowercase()),
            "{problems:?}"
        );
        let place = &problems[0].places[0];
        assert_eq!((place.line, place.column), at, "{sql}: {problems:?}");
    }
}

#[test]
fn what_the_front_matter_shows_must_be_there() {
    let file = |name: &str, front: &str| SourceFile {
        private: false,
        path: format!("queries/{name}.sql"),
        text: format!(
            "/*---\ntitle: A\nparams:\n  host: {{type: host}}\ncolumns:\n{front}\n---*/\nSELECT $host AS host, 1 AS value\n"
        ),
    };
    let cases = [
        ("  vaule: {unit: B}", (6, 3), "no column `vaule`"),
        ("  host: {link: \"/hosts/{hots}\"}", (6, 3), "`{hots}`"),
        (
            "  host: {link: \"/q/b?group={$group}\"}",
            (6, 3),
            "`{$group}`",
        ),
        ("  host: {link: \"/q/c?host={host}\"}", (6, 3), "query `c`"),
        (
            "  host: {link: \"/q/b?to={$to}&hosts={host}\"}",
            (6, 3),
            "parameter `hosts`",
        ),
        ("  value: {unit: \"{unit}\"}", (6, 3), "`unit`"),
        (
            "  value: {}\nchart: {type: bar, x: host, y: values}",
            (7, 29),
            "`values`",
        ),
        (
            "  value: {}\nchart: {type: bar, x: host, y: value, series: port}",
            (7, 39),
            "`port`",
        ),
    ];
    let other = file("b", "  host: {link: \"/q/b?host={host}&from={$from}\"}");
    for (front, at, words) in cases {
        let files = [file("a", front), other.clone()];
        let (good, problems) = check_queries(&files, &Tables::default()).unwrap();
        assert_eq!(good.len(), 1, "{front}");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.contains(words), "{problems:?}");
        let place = &problems[0].places[0];
        assert_eq!((place.line, place.column), at, "{problems:?}");
    }
}
