//! The order of the rows on the page: as the query has them, or by a column that the reader chose.

use std::cmp::Ordering;

use super::super::super::visit::Visit;
use super::form;
use crate::query::{Answer, Cell};

/// `?sort=used_pct` upwards, `?sort=-used_pct` downwards.
pub(super) struct Order {
    column: Option<usize>,
    down: bool,
}

impl Order {
    /// What the link asks for; a column that is not there is nothing asked for.
    pub(super) fn of(sort: Option<&str>, answer: &Answer) -> Order {
        let sort = sort.unwrap_or_default();
        let (down, name) = match sort.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, sort),
        };
        Order {
            column: answer.column(name),
            down,
        }
    }

    /// Sorts the rows that came; what there is no value for stands last.
    pub(super) fn apply(&self, answer: &mut Answer) {
        let Some(column) = self.column else { return };
        answer.rows.sort_by(|a, b| {
            let (Some(a), Some(b)) = (a.get(column), b.get(column)) else {
                return Ordering::Equal;
            };
            match (a, b) {
                (Cell::Null, Cell::Null) => Ordering::Equal,
                (Cell::Null, _) => Ordering::Greater,
                (_, Cell::Null) => Ordering::Less,
                _ if self.down => compare(b, a),
                _ => compare(a, b),
            }
        });
    }

    /// `up`, `down` or empty.
    pub(super) fn word(&self, column: usize) -> &'static str {
        match self.column {
            Some(sorted) if sorted == column && self.down => "down",
            Some(sorted) if sorted == column => "up",
            _ => "",
        }
    }

    /// The link of a head: downwards first, then upwards, then as the query has it.
    pub(super) fn link(&self, visit: &Visit, column: usize, name: &str) -> String {
        let down = format!("-{name}");
        let next = match self.word(column) {
            "down" => name,
            "up" => "",
            _ => &down,
        };
        form::with(visit, &[("sort", next)])
    }
}

fn compare(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Text(a), Cell::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
        (Cell::Other(x), Cell::Other(y)) => match (a.number(), b.number()) {
            (Some(x), Some(y)) => x.total_cmp(&y),
            _ => x.cmp(y),
        },
        _ => match (a.number(), b.number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => Ordering::Equal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::AnswerColumn;

    #[test]
    fn what_has_no_value_stands_last_either_way() {
        let rows = [Cell::Int(2), Cell::Null, Cell::Float(1.5), Cell::Int(10)];
        let mut answer = Answer {
            columns: vec![AnswerColumn {
                name: "n".into(),
                sql_type: String::new(),
            }],
            rows: rows.into_iter().map(|cell| vec![cell]).collect(),
            truncated: false,
        };
        let mut sorted = |sort| {
            Order::of(Some(sort), &answer).apply(&mut answer);
            answer.rows.concat()
        };
        let (one, two, ten) = (Cell::Float(1.5), Cell::Int(2), Cell::Int(10));
        assert_eq!(
            sorted("n"),
            [one.clone(), two.clone(), ten.clone(), Cell::Null]
        );
        assert_eq!(sorted("-n"), [ten, two, one, Cell::Null]);
        let before = answer.rows.clone();
        Order::of(Some("other"), &answer).apply(&mut answer);
        assert_eq!(answer.rows, before);
    }
}
