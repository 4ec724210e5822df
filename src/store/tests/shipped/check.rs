//! What holds for every shipped query file.

use super::*;
use crate::inventory::SourceFile;
use crate::query::{Kind, Param};

/// Values for the parameters that must be given.
pub(super) fn needed(query: &Query) -> Vec<(String, String)> {
    let value = |param: &Param| match param.kind {
        Kind::Int | Kind::Float => "1",
        Kind::Duration => "1h",
        _ => "x",
    };
    let needed = query.params.iter().filter(|p| p.default.is_none());
    needed
        .map(|p| (p.name.clone(), value(p).to_owned()))
        .collect()
}

#[test]
fn every_shipped_query_passes_the_check_in_both_languages() {
    let files: Vec<SourceFile> = names()
        .iter()
        .map(|name| {
            let path = format!("queries/{name}.sql");
            let text = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR")));
            SourceFile::new(path, text.unwrap())
        })
        .collect();
    let (good, problems) = check_queries(&files, &world::shipped_tables()).unwrap();
    assert_eq!(problems, []);
    assert_eq!(good.len(), files.len());
    for query in &good {
        let name = &query.name;
        assert!(query.title.zh_cn.is_some(), "{name}");
        assert!(query.description.zh_cn.is_some(), "{name}");
        assert!(!query.tags.is_empty(), "{name}");
        for (column, show) in &query.columns {
            let title = show.title.as_ref();
            assert!(title.is_some_and(|t| t.zh_cn.is_some()), "{name}: {column}");
        }
        for param in &query.params {
            let title = param.title.as_ref();
            assert!(
                title.is_some_and(|t| t.zh_cn.is_some()),
                "{name}: {}",
                param.name
            );
        }
    }
}
