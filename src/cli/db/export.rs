//! `eider db export`

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::{EXIT_OK, client, output};
use super::{count, perform, size};
use crate::home::Home;
use crate::loops::poller::unix_now;
use crate::query::parse_time;
use crate::store::upkeep::{Export, ExportFormat, Exported, Task};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Tables, as `eider query` knows them: interface, poll, alert, …
    #[arg(value_name = "TABLE", required_unless_present = "all")]
    tables: Vec<String>,
    /// Every table
    #[arg(long, conflicts_with = "tables")]
    all: bool,
    /// Start of the range: now-30d, 2026-11-23, 2026-11-23T10:00, …; the beginning, unless said otherwise
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// End of the range, exclusive; now, unless said otherwise
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Time zone of --from and --to, an IANA name; the one of the settings, unless said otherwise
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Write CSV instead of Parquet
    #[arg(long)]
    csv: bool,
    /// The directory for TABLE.parquet or TABLE.csv; it is made
    #[arg(short = 'd', long = "dir", value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let format = if args.csv {
        ExportFormat::Csv
    } else {
        ExportFormat::Parquet
    };
    let zone = match &args.tz {
        Some(zone) => zone.clone(),
        None => client::settings_of(home).timezone,
    };
    let now = unix_now();
    let time = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| parse_time(text, now, &zone))
            .transpose()
            .map_err(anyhow::Error::msg)
    };
    let wanted = Export {
        tables: args.tables.clone(),
        from: time(&args.from)?,
        to: time(&args.to)?,
        format,
    };
    let target = |table: &str| args.directory.join(format!("{table}.{}", format.ending()));
    for path in args.tables.iter().map(|table| target(table)) {
        anyhow::ensure!(
            args.force || !path.exists(),
            "{} is there already: nothing is overwritten; --force replaces it",
            path.display()
        );
    }
    std::fs::create_dir_all(&args.directory)
        .with_context(|| format!("{} cannot be made", args.directory.display()))?;
    let made: Vec<Exported> = serde_json::from_value(perform(home, &Task::Export(wanted))?)?;
    let moved = made
        .iter()
        .try_for_each(|file| deliver(file, &target(&file.table), args.force));
    // Those that were not moved are of no use to anybody.
    for file in &made {
        let _ = std::fs::remove_file(&file.path);
    }
    moved?;
    Ok(EXIT_OK)
}

/// Puts a whole file in its place.
fn deliver(file: &Exported, target: &Path, force: bool) -> anyhow::Result<()> {
    anyhow::ensure!(
        force || !target.exists(),
        "{} is there already: nothing is overwritten; --force replaces it",
        target.display()
    );
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let done = std::fs::copy(&file.path, &part)
        .and_then(|_| File::open(&part)?.sync_all())
        .and_then(|()| std::fs::rename(&part, target));
    if done.is_err() {
        // It may never have been made.
        let _ = std::fs::remove_file(&part);
    }
    done.with_context(|| format!("{} cannot be written", target.display()))?;
    output::print(&format!(
        "{}: {}, {}\n",
        target.display(),
        count(file.rows, "row"),
        size(&file.bytes.into())
    ))
}
