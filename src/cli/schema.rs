//! `eider schema`: the tables that can be asked, their columns, how they join, an example each.

use std::time::Duration;

use super::{client, output};
use crate::home::Home;
use crate::inventory::nearest;
use crate::store::{TableDoc, catalog_of};

/// The daemon reads its catalogue only.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One table, with its columns
    table: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Prints the list of tables, or one of them.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let mut tables: Vec<TableDoc> = match client::of_home(home) {
        Some(daemon) => {
            let reply = daemon.get("/api/v1/schema", PATIENCE)?.good()?;
            serde_json::from_value(reply.json()?["tables"].take())?
        }
        None => catalog_of(&super::load_or_explain(home)?)?,
    };
    if let Some(name) = &args.table {
        if !tables.iter().any(|table| table.name == *name) {
            let near = nearest(name, tables.iter().map(|t| t.name.as_str()));
            let near = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            eprintln!("error: there is no table `{name}`.{near} `eider schema` lists them.");
            return Ok(super::EXIT_SOME_FAILED);
        }
        tables.retain(|table| table.name == *name);
    }
    if args.json {
        let all = serde_json::json!({"version": 1, "tables": tables});
        output::print(&format!("{}\n", serde_json::to_string_pretty(&all)?))?;
    } else if args.table.is_some() {
        for table in &tables {
            output::print(&one(table))?;
        }
    } else {
        output::print(&list(&tables))?;
    }
    Ok(super::EXIT_OK)
}

fn list(tables: &[TableDoc]) -> String {
    let mut grid = grid(["table", "what it holds"]);
    for table in tables {
        grid.add_row([
            output::visible(&table.name),
            output::visible(&table.comment),
        ]);
    }
    format!("{grid}\n\n`eider schema TABLE` shows the columns of one.\n")
}

fn one(table: &TableDoc) -> String {
    let mut grid = grid(["column", "type", "unit", "what it is"]);
    for column in &table.columns {
        grid.add_row(
            [
                &column.name,
                &column.sql_type,
                &column.unit,
                &column.comment,
            ]
            .map(|t| output::visible(t)),
        );
    }
    let mut text = format!(
        "{}: {}\n\n{grid}\n",
        table.name,
        output::visible(&table.comment)
    );
    if !table.joins.is_empty() {
        text.push_str(&format!("\nJoins (with `FROM {} t`):\n", table.name));
        for join in &table.joins {
            text.push_str(&format!("  {join}\n"));
        }
    }
    text.push_str("\nFor example:\n");
    for line in table.example.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn grid<const N: usize>(heads: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(heads);
    if output::is_terminal() {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    }
    table
}
