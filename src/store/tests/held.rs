//! What tables hold, to say why an answer is empty.

use super::sealed::{fill, history};
use super::*;

#[test]
fn a_question_is_told_what_its_tables_hold() {
    let (_directory, store, mut recorder) = history();
    fill(&mut recorder, 0, 3600);
    let held = |sql: &str| {
        let question = Question::new(sql).bind("from", Cell::Time(0));
        store.held_blocking(&question).unwrap()
    };
    let of = |table: &str, rows| Held {
        table: table.into(),
        rows,
    };
    let interface = of("interface", Some((T0, T0 + 3000)));
    assert_eq!(
        held("SELECT host FROM interface WHERE ts > $from"),
        std::slice::from_ref(&interface)
    );
    // By name; dimensions are not among them.
    assert_eq!(
        held(
            "SELECT c.used_pct FROM interface i LEFT JOIN cpu c USING (host, ts) JOIN host h ON h.name = i.host"
        ),
        [of("cpu", None), interface]
    );
    assert_eq!(held("SELECT name FROM host"), []);
}
