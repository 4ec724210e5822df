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
            4,
            "`group` is declared but the SQL does not use it",
        ),
        ("SELECT $group,\n  $grop", 7, "uses `$grop`"),
        ("SELECT $group\n  FROM hots", 7, "hots"),
        ("SELECT $group\n  FROM host WHERE nam = 'a'", 7, "nam"),
        ("SELEC $group", 6, "syntax error"),
        ("DROP TABLE raw.host; SELECT $group", 1, "only reading"),
        ("SELECT $group; SELECT $group", 1, "one statement"),
        ("SELECT $group + INTERVAL 1 DAY", 6, "interval"),
    ];
    for (sql, line, words) in cases {
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
        assert_eq!(problems[0].places[0].line, line, "{problems:?}");
    }
}
