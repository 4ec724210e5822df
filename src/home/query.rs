//! The queries of the home, by name.

use super::{Folder, Home};
use crate::query::{Query, name_of};

impl Home {
    /// The query of that name. `Err`: there is none, or what is wrong with its file, and where.
    pub fn query(&self, name: &str) -> Result<Query, String> {
        let file = format!("{name}.sql");
        let text = name_of(&file).and_then(|_| self.asset(Folder::Queries, &file));
        let Some(text) = text else {
            return Err(format!(
                "there is no query `{name}`; `eider queries` lists them"
            ));
        };
        Query::parse(&format!("queries/{file}"), &text).map_err(|problem| {
            let place = problem.places.first().map_or_else(String::new, |p| {
                format!("{}:{}:{}: ", p.path, p.line, p.column)
            });
            format!("{place}{}", problem.message)
        })
    }
}
