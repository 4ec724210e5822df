//! `eider record`: what a device shows, saved for playing it again.

mod mask;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::output;
use crate::collect::snmp::Engine;
use crate::home::Home;
use crate::inventory::{self, Access, Inventory, SnmpAuth, SourceFile, Target, nearest};
use crate::reading::{Failure, Method};
use crate::simulate;
use mask::Mask;

/// The name, in an inventory made up for it, of a host that is given by its address.
const BY_ADDRESS: &str = "recorded-by-address";
/// LLDP alone lives elsewhere than everything else.
const EVERYTHING: [&[u32]; 2] = [&[1, 0, 8802], &[1, 3]];
/// The progress is told again after this long.
const GLANCE: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The host's name in the inventory, or with --credential any address
    #[arg(value_name = "HOST")]
    host: String,
    /// Where to save it; - for stdout [default: HOST.snmprec]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only what is below this object; again for more [default: everything]
    #[arg(long, value_name = "OID", value_parser = oid)]
    oid: Vec<Vec<u32>>,
    /// Ask an address that is no host of the inventory, with this credential of it
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// UDP port of that address
    #[arg(long, value_name = "PORT", default_value_t = 161, requires = "credential", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Stop after this long and keep what came until then
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = inventory::parse_duration)]
    timeout: Duration,
    /// Blank hardware addresses, serial numbers, names of people and places, SNMP's own users and
    /// communities. Look the file through all the same before you give it away
    #[arg(long)]
    mask: bool,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
}

fn oid(text: &str) -> Result<Vec<u32>, String> {
    let text = text.strip_prefix('.').unwrap_or(text);
    let arcs: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
    let arcs = arcs.map_err(|_| "not numbers with dots between them, like 1.3.6.1.2.1.2")?;
    let sound = (2..=128).contains(&arcs.len()) && arcs[0] <= 2 && (arcs[0] == 2 || arcs[1] < 40);
    match sound {
        true => Ok(arcs),
        false => Err("no object identifier of two to 128 numbers".into()),
    }
}

/// Walks the device and saves what it showed.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let to_stdout = args.out.as_deref() == Some(Path::new("-"));
    let path = match &args.out {
        Some(path) => path.clone(),
        None => PathBuf::from(format!("{}.snmprec", args.host.replace(['/', ':'], "_"))),
    };
    if !to_stdout && !args.force && path.exists() {
        anyhow::bail!(
            "{} is there already: name another file with --out, or replace it with --force",
            path.display()
        );
    }
    let inventory = inventory_of(home, args)?;
    let target = target(&inventory, args)?;
    let mut recorder = Recorder {
        lines: String::new(),
        objects: 0,
        left_out: 0,
        mask: args.mask.then(|| Mask::new(community(&target))),
        told: std::io::stderr().is_terminal().then(Instant::now),
    };
    let recorded = recorder.record(&target, args);
    recorder.wipe();
    let incomplete = match recorded {
        Ok(incomplete) => incomplete,
        Err(failure) => anyhow::bail!("{}: {}", args.host, output::visible(&failure.message)),
    };
    let Recorder {
        lines,
        objects,
        left_out,
        ..
    } = recorder;
    if objects == 0 {
        anyhow::bail!(
            "{} shows nothing there: look at the --oid and at what its access list lets you read",
            args.host
        );
    }
    if to_stdout {
        output::print(&lines)?;
    } else {
        save(&path, &lines, args.force)?;
        eprintln!("{objects} objects saved to {}", path.display());
    }
    if left_out > 0 {
        eprintln!("{left_out} objects left out: their values are of no type that SNMP has");
    }
    match incomplete {
        Some(why) => {
            eprintln!("not complete: {}", output::visible(&why));
            Ok(super::EXIT_SOME_FAILED)
        }
        None => Ok(super::EXIT_OK),
    }
}

/// The inventory, with the address as one more host when it is to be asked as such.
fn inventory_of(home: &Home, args: &Args) -> anyhow::Result<Inventory> {
    let mut files = home.inventory_files().map_err(anyhow::Error::msg)?;
    if let Some(credential) = &args.credential {
        // JSON is YAML: whatever stands in the words stays in them.
        let host = serde_json::json!({
            "address": args.host,
            "collect": ["snmp"],
            "credential": credential,
            "snmp": {"port": args.port},
        });
        let mut hosts = serde_json::Map::new();
        hosts.insert(BY_ADDRESS.into(), host);
        files.push(SourceFile {
            path: "inventory/hosts.d/of-the-command-line.yaml".into(),
            text: serde_json::json!({"version": 1, "hosts": hosts}).to_string(),
            private: true,
        });
    }
    let (inventory, problems) = inventory::load(&files, home);
    inventory.ok_or_else(|| {
        let told = inventory::render(&problems, &files, false);
        anyhow::anyhow!("the inventory has errors\n{told}")
    })
}

fn target(inventory: &Inventory, args: &Args) -> anyhow::Result<Target> {
    let name = match &args.credential {
        Some(_) => BY_ADDRESS,
        None => args.host.as_str(),
    };
    let Some(host) = inventory.hosts.get(name) else {
        let known = inventory.hosts.keys().map(|name| &**name);
        let likely = nearest(name, known).map(|likely| format!(", did you mean `{likely}`?"));
        anyhow::bail!(
            "there is no host `{name}` in the inventory{} (an address needs --credential NAME)",
            likely.unwrap_or_default()
        );
    };
    let by_snmp = host.targets.iter().find(|t| t.way.method == Method::Snmp);
    match by_snmp {
        Some(target) => Ok(Target::clone(target)),
        None => anyhow::bail!("the host `{name}` is not watched by snmp"),
    }
}

fn community(target: &Target) -> &[u8] {
    match &target.access {
        Access::Snmp(access) => match &access.auth {
            SnmpAuth::V1 { community } | SnmpAuth::V2c { community } => {
                community.expose().as_bytes()
            }
            SnmpAuth::V3(_) => &[],
        },
        _ => &[],
    }
}

/// Each subtree once, in the order of a recording.
fn subtrees(asked: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut roots: Vec<Vec<u32>> = match asked {
        [] => EVERYTHING.iter().map(|root| root.to_vec()).collect(),
        asked => asked.to_vec(),
    };
    roots.sort();
    roots.dedup_by(|later, first| later.starts_with(first));
    roots
}

struct Recorder {
    lines: String,
    objects: usize,
    left_out: usize,
    mask: Option<Mask>,
    /// When somebody was last told how far it is; `None`: nobody looks.
    told: Option<Instant>,
}

impl Recorder {
    /// `Ok`: why there may be more, if so.
    fn record(&mut self, target: &Target, args: &Args) -> Result<Option<String>, Failure> {
        let Access::Snmp(access) = &target.access else {
            return Ok(None);
        };
        let failed = |error: std::io::Error| {
            Failure::new(crate::reading::Cause::Internal, error.to_string())
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(failed)?;
        let deadline = Instant::now() + args.timeout;
        let recorded = runtime.block_on(async {
            let engine = Engine::start().map_err(failed)?;
            let mut keep = |name: &[u32], tag: u8, content: &[u8]| self.keep(name, tag, content);
            let roots = subtrees(&args.oid);
            tokio::select! {
                recorded = engine.record(target, access, &roots, deadline, &mut keep) => recorded,
                _ = tokio::signal::ctrl_c() => Ok(Some("stopped".into())),
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        recorded
    }

    fn keep(&mut self, name: &[u32], tag: u8, content: &[u8]) {
        let masked = match &mut self.mask {
            Some(mask) => mask.apply(name, tag, content),
            None => Some(content.into()),
        };
        let Some(content) = masked else {
            return;
        };
        match simulate::recording_line(name, tag, &content) {
            Some(line) => {
                self.lines.push_str(&line);
                self.lines.push('\n');
                self.objects += 1;
            }
            None => self.left_out += 1,
        }
        if self.told.is_some_and(|told| told.elapsed() > GLANCE) {
            self.told = Some(Instant::now());
            let shown: Vec<String> = name.iter().take(12).map(u32::to_string).collect();
            eprint!("\r\x1b[K{} objects, at {}", self.objects, shown.join("."));
        }
    }

    /// Takes the progress away again.
    fn wipe(&self) {
        if self.told.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Whole or not at all.
fn save(path: &Path, lines: &str, force: bool) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let cannot = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    file.write_all(lines.as_bytes()).with_context(cannot)?;
    match force {
        true => file.persist(path),
        false => file.persist_noclobber(path),
    }
    .map_err(|error| error.error)
    .with_context(cannot)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtrees_are_walked_once_and_in_order() {
        assert_eq!(subtrees(&[]), [vec![1, 0, 8802], vec![1, 3]]);
        let asked = [vec![1, 3, 6, 2], vec![1, 3, 6, 1, 2], vec![1, 3, 6, 1]];
        assert_eq!(subtrees(&asked), [vec![1, 3, 6, 1], vec![1, 3, 6, 2]]);
    }

    #[test]
    fn object_identifiers_are_read_with_and_without_a_dot_in_front() {
        assert_eq!(oid(".1.3.6"), Ok(vec![1, 3, 6]));
        for wrong in ["", "1", "1.3.x", "1.3.", "3.1", "1.40", "1.3.4294967296"] {
            assert!(oid(wrong).is_err(), "{wrong}");
        }
    }
}
