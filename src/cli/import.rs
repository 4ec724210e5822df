//! `eider import`: bring the inventory of another program.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::output::{self, visible};
use crate::home::Home;
use crate::import::{self, Imported, Kind, Wishes};
use crate::inventory::{self, NoSecrets, Outline, Secret, SourceFile};

/// A larger file is no inventory.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose inventory it is
    #[arg(value_enum, value_name = "KIND")]
    kind: KindWord,
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How the hosts are to be watched, as in `collect:`, with commas [default: what fits the kind]
    #[arg(long, value_name = "METHODS", value_delimiter = ',')]
    collect: Vec<String>,
    /// The credential of the inventory that lets us in
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// The group for hosts that the file puts in none
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Take this variable of Ansible's over as a label; again for more
    #[arg(long = "label", value_name = "VARIABLE")]
    labels: Vec<String>,
    /// Write a file of the inventory instead of printing it; one that exists is never replaced
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Write the secrets that the file holds below secrets/ of the home, for the owner alone
    #[arg(long)]
    secrets: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum KindWord {
    /// Ansible's inventory, INI or YAML
    Ansible,
    /// ~/.ssh/config
    SshConfig,
    /// The files of Prometheus' file_sd_configs, JSON or YAML
    PrometheusFileSd,
    /// snmp.yml of snmp_exporter: its auths as credentials
    SnmpExporter,
    /// A table whose first line names its columns: name, address, group, collect, credential,
    /// interval, snmp_port, ssh_port; others become labels
    Csv,
}

impl KindWord {
    fn kind(self) -> Kind {
        match self {
            KindWord::Ansible => Kind::Ansible,
            KindWord::SshConfig => Kind::SshConfig,
            KindWord::PrometheusFileSd => Kind::FileSd,
            KindWord::SnmpExporter => Kind::SnmpExporter,
            KindWord::Csv => Kind::Csv,
        }
    }
}

/// Exit code 1: it was brought, and the inventory's check has something against it.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let text = read(&args.file)?;
    let wishes = Wishes {
        collect: args.collect.clone(),
        credential: args.credential.clone(),
        group: args.group.clone(),
        user: std::env::var("USER").unwrap_or_else(|_| "root".into()),
        labels: args.labels.clone(),
    };
    let mut imported = import::import(args.kind.kind(), &text, &wishes).map_err(|fault| {
        let file = visible(&args.file.display().to_string());
        let place = match (fault.line, fault.column) {
            (0, _) => String::new(),
            (line, 0) => format!(":{line}"),
            (line, column) => format!(":{line}:{column}"),
        };
        anyhow::anyhow!("{file}{place}: {}", visible(&fault.why))
    })?;
    if imported.outline.is_empty() && imported.outline.credentials.is_empty() {
        anyhow::bail!(
            "{} names no host",
            visible(&args.file.display().to_string())
        );
    }
    let origin = args.file.file_name().unwrap_or_default();
    imported.outline.heading = vec![format!(
        "Brought by eider import from {}; {}",
        origin.display(),
        counted(&imported.outline)
    )];
    let yaml = imported.outline.to_yaml();
    let told = problems(home, args.write.as_deref(), &yaml);
    match &args.write {
        Some(path) => write_new(path, yaml.as_bytes(), 0o666)?,
        None => output::print(&yaml)?,
    }
    if args.secrets {
        for (path, secret) in &imported.secrets {
            keep(home, path, secret)?;
        }
    }
    tell(&imported, args);
    if told.is_empty() {
        return Ok(super::EXIT_OK);
    }
    eprintln!("beside the inventory of this home it does not pass the check:\n{told}");
    Ok(super::EXIT_SOME_FAILED)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let shown = visible(&path.display().to_string());
    let cannot = || format!("cannot read {shown}");
    let from: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin().lock()),
        _ => Box::new(std::fs::File::open(path).with_context(cannot)?),
    };
    from.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    anyhow::ensure!(
        bytes.len() as u64 <= FILE_BYTES_MAX,
        "{shown} is longer than 64 MiB"
    );
    String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8 text"))
}

/// What the check says of the file beside those of the home. Secrets are not looked at: they may
/// not be there yet.
fn problems(home: &Home, path: Option<&Path>, yaml: &str) -> String {
    let name = path.and_then(Path::file_name).unwrap_or_default();
    let name = name.to_str().unwrap_or_default();
    let name = if name.is_empty() {
        "imported.yaml"
    } else {
        name
    };
    // A home that is not there yet, or is broken, says nothing about this file.
    let mut files = home.inventory_files().unwrap_or_default();
    if inventory::load(&files, &NoSecrets).0.is_none() {
        files.clear();
    }
    let own = format!("inventory/hosts.d/{name}");
    files.retain(|file| file.path != own);
    files.push(SourceFile::new(own.as_str(), yaml));
    let (_, problems) = inventory::load(&files, &NoSecrets);
    let of_it: Vec<_> = problems
        .into_iter()
        .filter(|problem| problem.places.iter().any(|place| place.path == own))
        .collect();
    if of_it.is_empty() {
        return String::new();
    }
    inventory::render(&of_it, &files, false)
}

fn keep(home: &Home, path: &str, secret: &Secret) -> anyhow::Result<()> {
    let full = home.resolve(path);
    if let Some(folder) = full.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    write_new(&full, secret.expose().as_bytes(), 0o600)
}

/// Never replaces what is there.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .with_context(|| {
            format!(
                "cannot write {} (a file that exists is never replaced)",
                path.display()
            )
        })
}

fn counted(outline: &Outline) -> String {
    let of = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    format!(
        "{}, {}, {}",
        of(outline.len(), "host"),
        of(outline.groups.len(), "group"),
        of(outline.credentials.len(), "credential")
    )
}

fn tell(imported: &Imported, args: &Args) {
    for remark in &imported.remarks {
        eprintln!("note: {}", visible(remark));
    }
    if !imported.secrets.is_empty() {
        let paths: Vec<&str> = imported.secrets.iter().map(|(path, _)| &**path).collect();
        let paths = paths.join(", ");
        match args.secrets {
            true => eprintln!("secrets written: {paths}"),
            false => eprintln!(
                "note: secrets are not printed. Say --secrets to have them written, or put them there yourself (mode 0600): {paths}"
            ),
        }
    }
    if let Some(path) = &args.write {
        eprintln!(
            "{} written to {}",
            counted(&imported.outline),
            path.display()
        );
    }
}
