//! The views `<table>_hourly` and `interface_5min`.

use super::super::schema::ident;
use super::super::sealed::Tier;
use super::super::view::{HOST, Selected, View, with_unit};
use super::columns::{Part, part, rate};
use super::{Rollup, all};
use crate::table::Tables;

/// One for each rollup.
pub(in crate::store) fn views(tables: &Tables) -> impl Iterator<Item = View> {
    all(tables).into_iter().map(|rollup| rollup.view())
}

impl Rollup {
    fn view(&self) -> View {
        let shape = &self.shape;
        let (long, begin) = match self.tier {
            Tier::Minutes5 => ("five minutes", "The beginning of the five minutes."),
            _ => ("hour", "The beginning of the hour (of UTC)."),
        };
        let mut selected = Selected::default();
        selected.add("t.ts", "ts", begin.into());
        selected.add("h.name", "host", HOST.into());
        let mut from = format!(
            "hist.{} t JOIN raw.host h ON h.id = t.host_id",
            ident(&self.set())
        );
        if let Some(entity) = shape.entity {
            let comment = format!("Which {entity}: its name, today's one.");
            selected.add("e.name", entity, comment);
            from.push_str(" JOIN raw.entity e ON e.id = t.entity_id");
        }
        for key in &shape.keys {
            // Of `poll` the target as the table itself shows it.
            if key.name == "parameter" {
                let comment = "The method with its parameter: snmp, tcp:443, http:NAME.";
                let sql = "t.method || coalesce(':' || t.parameter, '')";
                selected.add(sql, "target", comment.into());
            } else {
                selected.column("t", key);
            }
        }
        for made in &self.made {
            if let Some(comment) = &made.comment {
                let sql = format!("t.{}", ident(&made.name));
                selected.add(&sql, &made.name, comment.clone());
            }
        }
        if !shape.facts.is_empty() {
            from.push_str(&format!(
                " JOIN raw.{} f ON f.entity_id = t.entity_id AND t.ts >= f.valid_from AND t.ts < f.valid_to",
                ident(&format!("{}_fact", shape.name))
            ));
            for fact in shape.facts {
                selected.column("f", fact);
            }
        }
        for derived in shape.derived {
            if part(shape, derived) == Part::Rate {
                let comment = with_unit(derived.comment, derived.unit);
                let sql = format!("({})", rate(shape, derived));
                selected.add(&sql, derived.name, format!("Mean over all rows: {comment}"));
            }
        }
        View {
            name: self.set(),
            select: selected.select(&from),
            comment: format!(
                "One row per {long} and thing, also of the time that is not over. Of what: {}",
                shape.comment
            ),
            columns: selected.columns,
        }
    }
}
