//! From what all profiles say of a table to its definition.

use std::collections::HashMap;

use super::define::{ColumnDraft, TableDraft};
use super::fields;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::Mark;
use crate::table::{Definition, DefinitionColumn, Kind};

impl TableDraft {
    pub(super) fn finish(self, problems: &mut Problems<'_>) -> Definition {
        let name = self.name.value;
        if self.comment.is_none() {
            let help = "add `comment:`: what one row is";
            fields::missing(
                self.name.mark,
                &format!("the new table `{name}`"),
                "comment",
                help,
                problems,
            );
        }
        if self.columns.is_empty() {
            let help = "add at least one column";
            fields::missing(
                self.name.mark,
                &format!("the new table `{name}`"),
                "columns",
                help,
                problems,
            );
        }
        let mut names: HashMap<String, Mark> = HashMap::new();
        let entity = self.has_entity.0.then(|| {
            self.entity
                .map_or_else(|| name.clone(), |entity| entity.value)
        });
        let mut finish = |drafts: Vec<ColumnDraft>| -> Vec<DefinitionColumn> {
            let mut columns = Vec::new();
            for draft in drafts {
                let column = &draft.name;
                if let Some(first) = names.insert(column.value.clone(), column.mark) {
                    let message = format!("`{name}` has two columns `{}`", column.value);
                    problems.error_at("duplicate-column", &[column.mark, first], message);
                    continue;
                }
                if entity.as_ref() == Some(&column.value) {
                    let message = format!("`{}` is the column of the entity already", column.value);
                    problems
                        .error("duplicate-column", column.mark, message)
                        .help("give the entity another name with `entity_column:`");
                    continue;
                }
                if draft.comment.is_none() {
                    let help = "write it as a mapping: `{value: …, kind: …, unit: …, comment: …}`";
                    let of = format!("the column `{name}.{}`", column.value);
                    fields::missing(column.mark, &of, "comment", help, problems);
                }
                columns.push(DefinitionColumn {
                    name: draft.name.value,
                    kind: draft
                        .kind
                        .map(|k| k.value)
                        .or(draft.implied)
                        .unwrap_or(Kind::Float),
                    unit: draft.unit.map_or_else(String::new, |u| u.value),
                    comment: draft.comment.map_or_else(String::new, |c| c.value),
                });
            }
            columns
        };
        let columns = finish(self.columns);
        let facts = finish(self.facts);
        for (mark, derived) in &self.derived {
            if let Some(first) = names.insert(derived[0].clone(), *mark) {
                let message = format!("`{name}` has two columns `{}`", derived[0]);
                problems.error_at("duplicate-column", &[*mark, first], message);
            }
        }
        Definition {
            name,
            comment: self.comment.map_or_else(String::new, |c| c.value),
            entity,
            columns,
            facts,
            derived: self
                .derived
                .into_iter()
                .map(|(_, derived)| derived)
                .collect(),
        }
    }
}
