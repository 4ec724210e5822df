//! `eider queries`: what can be asked by name.

use serde_json::{Value, json};

use super::output;
use crate::home::{Folder, Home};
use crate::inventory::Localized;
use crate::query::{Param, Query, name_of};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Lists the queries of the home and the shipped ones. Broken files are told; then the exit code
/// is 1.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let mut good = Vec::new();
    let mut code = super::EXIT_OK;
    for file in home.asset_names(Folder::Queries) {
        let Some(name) = name_of(&file) else { continue };
        match home.query(name) {
            Ok(query) => good.push(query),
            Err(words) => {
                eprintln!("error: {}", output::visible_lines(&words));
                code = super::EXIT_SOME_FAILED;
            }
        }
    }
    if args.json {
        let queries: Vec<Value> = good.iter().map(as_json).collect();
        let value = json!({"version": 1, "queries": queries});
        output::print(&format!("{value:#}\n"))?;
    } else {
        let text: String = good.iter().map(as_text).collect();
        output::print(&text)?;
    }
    Ok(code)
}

fn as_text(query: &Query) -> String {
    let mut text = format!("{}  {}\n", query.name, query.title.en);
    if !query.description.en.is_empty() {
        text += &format!("    {}\n", query.description.en);
    }
    text += &format!("    --from {} unless said otherwise\n", query.range);
    for param in &query.params {
        text += &format!("    -p {}\n", param_text(param));
    }
    text.push('\n');
    output::visible_lines(&text)
}

/// `top=20  int, 1 to 1000`
fn param_text(param: &Param) -> String {
    let default = param.default.as_deref().unwrap_or("…");
    let kind = if param.values.is_empty() {
        param.kind.as_str().to_owned()
    } else {
        param.values.join(" | ")
    };
    let limits = match (param.min, param.max) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    };
    format!("{}={default}  ({kind}{limits})", param.name)
}

fn as_json(query: &Query) -> Value {
    let words = |text: &Localized| json!({"en": text.en, "zh-CN": text.zh_cn});
    let param = |param: &Param| {
        json!({
            "name": param.name,
            "type": param.kind.as_str(),
            "default": param.default,
            "min": param.min,
            "max": param.max,
            "values": param.values,
            "unit": param.unit,
        })
    };
    json!({
        "name": query.name,
        "title": words(&query.title),
        "description": words(&query.description),
        "tags": query.tags,
        "range": query.range,
        "params": query.params.iter().map(param).collect::<Vec<_>>(),
    })
}
