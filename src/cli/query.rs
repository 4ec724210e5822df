//! `eider query`: asks the history, through the daemon when one runs, else by opening the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::{client, output, queries};
use crate::home::Home;
use crate::inventory::Settings;
use crate::loops::poller::unix_now;
use crate::query::Query;
use crate::store::format::Format;
use crate::store::{Options, Request, Store, StoreError};

/// The daemon itself stops a question after 10 s.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A query of queries/ (`eider queries` lists them)
    #[arg(value_name = "NAME", required_unless_present_any = ["execute", "file"], conflicts_with_all = ["execute", "file"])]
    name: Option<String>,
    /// SQL to ask
    #[arg(short = 'e', long, value_name = "SQL", conflicts_with = "file")]
    execute: Option<String>,
    /// A file with SQL, with or without a front matter
    #[arg(short = 'f', long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A parameter of the query; may be repeated
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// Start of the range: now-6h, 2026-11-23, 2026-11-23T10:00, …
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// End of the range; now, unless said otherwise
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Time zone, an IANA name; the one of the settings, unless said otherwise
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// table, csv, json, ndjson, md or parquet; by the ending of --out, else table
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows at most
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn format(word: &str) -> Result<Format, String> {
    Format::from_word(word).ok_or_else(|| format!("one of {}", Format::WORDS.join(", ")))
}

/// Prints or writes the answer.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let format = args.format();
    if format == Format::Parquet && args.out.is_none() && output::is_terminal() {
        anyhow::bail!("Parquet is not for the eye: add --out FILE.parquet");
    }
    let request = args.request(format)?;
    let answered = match client::of_home(home) {
        Some(daemon) => by_daemon(&daemon, args.name.as_deref(), &request)?,
        None => by_ourselves(home, args.name.as_deref(), &request)?,
    };
    let (bytes, truncated) = match answered {
        Ok(answer) => answer,
        Err(words) => {
            eprintln!("error: {}", output::visible_lines(&words));
            return Ok(super::EXIT_SOME_FAILED);
        }
    };
    match &args.out {
        Some(file) => std::fs::write(file, &bytes)
            .with_context(|| format!("{} cannot be written", file.display()))?,
        None => output::print_bytes(&bytes)?,
    }
    if truncated && (format != Format::Table || args.out.is_some()) {
        eprintln!("warning: there are more rows than these: ask for a shorter range or fewer rows");
    }
    Ok(super::EXIT_OK)
}

impl Args {
    /// As told, else by the ending of the file, else a table.
    fn format(&self) -> Format {
        let ending = |file: &PathBuf| {
            let ending = file.extension().and_then(|e| e.to_str())?;
            Format::from_word(&ending.to_ascii_lowercase())
        };
        let of_file = self.out.as_ref().and_then(ending);
        self.format.or(of_file).unwrap_or(Format::Table)
    }

    fn request(&self, format: Format) -> anyhow::Result<Request> {
        let sql = match (&self.execute, &self.file) {
            (Some(sql), _) => sql.clone(),
            (None, Some(file)) => read(file)?,
            (None, None) => String::new(),
        };
        let params = self.params.iter();
        Ok(Request {
            sql,
            params: params
                .map(|(k, v)| (k.clone(), v.as_str().into()))
                .collect(),
            from: self.from.clone(),
            to: self.to.clone(),
            tz: self.tz.clone(),
            format: Some(format.as_str().into()),
            max_rows: self.max_rows,
        })
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("standard input");
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// The answer and whether it was cut, or what is wrong with the question.
type Answered = Result<(Vec<u8>, bool), String>;

fn by_daemon(
    daemon: &client::Client,
    name: Option<&str>,
    request: &Request,
) -> anyhow::Result<Answered> {
    let path = match name {
        Some(name) => format!("/api/v1/q/{}", client::encode(name)),
        None => "/api/v1/sql".to_owned(),
    };
    let reply = daemon.post(&path, &serde_json::to_value(request)?, PATIENCE)?;
    let truncated = reply.truncated;
    Ok(match reply.good() {
        Ok(reply) => Ok((reply.body.to_vec(), truncated)),
        Err(words) => Err(words.to_string()),
    })
}

/// Opens the file. Broken inventory files do not matter here.
fn by_ourselves(home: &Home, name: Option<&str>, request: &Request) -> anyhow::Result<Answered> {
    let settings = client::settings_of(home);
    let query: Result<Query, String> = match name {
        Some(name) => queries::named(home, name),
        None => request.query().map_err(|e| e.to_string()),
    };
    let query = match query {
        Ok(query) => query,
        Err(words) => return Ok(Err(words)),
    };
    let data = home.resolve(&settings.data);
    if let Some(words) = client::closed(&data) {
        anyhow::bail!(words);
    }
    if !Store::exists(&data) {
        anyhow::bail!(
            "there is no history in {} yet: start `eider serve`",
            data.display()
        );
    }
    let (store, recorder) = open(&data, &settings)?;
    let answer = request.answer(&store, &query, &settings.timezone, unix_now());
    drop(store);
    recorder.close()?;
    Ok(match answer {
        Ok(reply) => Ok((reply.bytes, reply.truncated)),
        Err(error @ (StoreError::Query(_) | StoreError::Timeout(_))) => Err(error.to_string()),
        Err(error) => return Err(error.into()),
    })
}

fn open(data: &Path, settings: &Settings) -> anyhow::Result<(Store, crate::store::Recorder)> {
    let options = Options {
        memory_bytes: settings.store_memory_bytes,
    };
    Ok(Store::open(data, &options)?)
}
