//! `eider query`: asks the history, through the daemon when one runs, else by opening the file. SQL
//! of a person is answered by a process of its own either way.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::{client, output};
use crate::home::Home;
use crate::inventory::Settings;
use crate::loops::poller::unix_now;
use crate::query::Query;
use crate::store::adhoc::{Desk, Event, Limits, Output};
use crate::store::format::Format;
use crate::store::{Options, Request, Store, StoreError};

/// The daemon itself stops a question after 30 s; a large file takes a while to come.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A query of queries/ (`eider queries` lists them); - reads SQL from standard input
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
    /// table, csv, json, ndjson, md, parquet or arrow; by the ending of --out, else table
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// Write to this file, every row of the answer up to 1 GiB
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows at most; 10,000 unless --out says where all of them go
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
    let binary = matches!(format, Format::Parquet | Format::Arrow);
    if binary && args.out.is_none() && output::is_terminal() {
        anyhow::bail!(
            "{0} is not for the eye: add --out FILE.{0}",
            format.as_str()
        );
    }
    let request = args.request(format)?;
    let mut target = Target::of(args.out.as_deref())?;
    let answered = match client::of_home(home) {
        Some(daemon) => by_daemon(&daemon, args.name.as_deref(), &request, &mut target)?,
        None => by_ourselves(home, args.name.as_deref(), &request, &mut target)?,
    };
    let truncated = match answered {
        Ok(truncated) => truncated,
        Err(words) => {
            eprintln!("error: {}", output::visible_lines(&words));
            return Ok(super::EXIT_SOME_FAILED);
        }
    };
    target.keep()?;
    if truncated && (format != Format::Table || args.out.is_some()) {
        eprintln!("warning: there are more rows than these: ask for a shorter range or fewer rows");
    }
    Ok(super::EXIT_OK)
}

/// Where the answer goes: standard output, or a file that appears when it is whole.
enum Target {
    Stdout,
    File {
        file: tempfile::NamedTempFile,
        path: PathBuf,
    },
    /// A pipe or a device.
    Special(std::fs::File, PathBuf),
}

impl Target {
    fn of(path: Option<&Path>) -> anyhow::Result<Target> {
        let Some(path) = path else {
            return Ok(Target::Stdout);
        };
        let told = || format!("{} cannot be written", path.display());
        if path.exists() && !path.is_file() {
            let file = std::fs::File::options().write(true).open(path);
            return Ok(Target::Special(file.with_context(told)?, path.into()));
        }
        let directory = path.parent().filter(|d| !d.as_os_str().is_empty());
        // As any file that a program makes: the user's umask decides who may read it.
        let file = tempfile::Builder::new()
            .prefix(".eider-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(directory.unwrap_or(Path::new(".")))
            .with_context(told)?;
        Ok(Target::File {
            file,
            path: path.into(),
        })
    }

    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let (written, path) = match self {
            Target::Stdout => return output::print_bytes(bytes),
            Target::File { file, path } => (file.write_all(bytes), path),
            Target::Special(file, path) => (file.write_all(bytes), path),
        };
        written.with_context(|| format!("{} cannot be written", path.display()))
    }

    fn keep(self) -> anyhow::Result<()> {
        if let Target::File { file, path } = self {
            file.persist(&path)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(())
    }
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
        let sql = match (&self.execute, &self.file, self.name.as_deref()) {
            (Some(sql), _, _) => sql.clone(),
            (None, Some(file), _) => read(file)?,
            (None, None, Some("-")) => read(Path::new("-"))?,
            (None, None, _) => String::new(),
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
            all: self.out.is_some(),
            id: None,
        })
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("standard input");
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Whether the answer was cut, or what is wrong with the question.
type Answered = Result<bool, String>;

fn by_daemon(
    daemon: &client::Client,
    name: Option<&str>,
    request: &Request,
    target: &mut Target,
) -> anyhow::Result<Answered> {
    let path = match name.filter(|name| *name != "-") {
        Some(name) => format!("/api/v1/q/{}", client::encode(name)),
        None => "/api/v1/sql".to_owned(),
    };
    let body = serde_json::to_value(request)?;
    let reply = daemon.post_to(&path, &body, PATIENCE, &mut |bytes| target.take(bytes))?;
    let (truncated, failure) = (reply.truncated, reply.failure.clone());
    Ok(match (reply.good(), failure) {
        (Ok(_), None) => Ok(truncated),
        (Ok(_), Some(words)) => Err(words),
        (Err(words), _) => Err(words.to_string()),
    })
}

/// Opens the file. Broken inventory files do not matter here.
fn by_ourselves(
    home: &Home,
    name: Option<&str>,
    request: &Request,
    target: &mut Target,
) -> anyhow::Result<Answered> {
    let settings = client::settings_of(home);
    let name = name.filter(|name| *name != "-");
    let query: Result<Query, String> = match name {
        Some(name) => home.query(name),
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
    let answered = if name.is_none() || request.all {
        by_child(&store, &data, &query, request, &settings, target)
    } else {
        let answer = request.answer(&store, &query, &settings.timezone, unix_now());
        answer.map_err(anyhow::Error::from).and_then(|reply| {
            target.take(&reply.bytes)?;
            Ok(reply.truncated)
        })
    };
    drop(store);
    recorder.close()?;
    Ok(match answered {
        Ok(truncated) => Ok(truncated),
        Err(error) => match error.downcast::<StoreError>() {
            Ok(error @ (StoreError::Query(_) | StoreError::Limit(_) | StoreError::Timeout(_))) => {
                Err(error.to_string())
            }
            Ok(error) => return Err(error.into()),
            Err(error) => return Err(error),
        },
    })
}

/// SQL of a person: in a process of its own, here as behind the daemon.
fn by_child(
    store: &Store,
    data: &Path,
    query: &Query,
    request: &Request,
    settings: &Settings,
    target: &mut Target,
) -> anyhow::Result<bool> {
    let (question, format) = request.question(query, &settings.timezone, unix_now())?;
    let output = request.output(format);
    let desk = Desk::open(store, data)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut run = desk
            .ask(question, output, &Limits::of(&settings.sql))
            .await?;
        let mut truncated = false;
        while let Some(event) = run.next().await? {
            match event {
                Event::Data(bytes) => target.take(&bytes)?,
                Event::End(end) => truncated = end.truncated,
                Event::Columns(_) | Event::Rows(_) | Event::Progress(_) => {}
            }
        }
        if let Output::File(_) = output {
            let mut file = run.file()?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                target.take(&buffer[..read])?;
            }
        }
        Ok(truncated)
    })
}

fn open(data: &Path, settings: &Settings) -> anyhow::Result<(Store, crate::store::Recorder)> {
    let options = Options {
        memory_bytes: settings.store_memory_bytes,
    };
    Ok(Store::open(data, &options)?)
}
