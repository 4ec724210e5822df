//! `eider discover`: what answers in a network, as hosts to paste.

mod found;
mod neighbors;
mod range;
mod sweep;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::output::{self, visible};
use crate::home::Home;
use crate::inventory::{self, Inventory};
use found::Found;
use range::Range;
use sweep::{Sweep, Ways};

/// More addresses than these in one run are a slip in a prefix.
const ADDRESSES_MAX: usize = 65_536;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to sweep: 10.0.0.0/24, 10.0.0.10-10.0.0.90, 2001:db8::/120, or one address
    #[arg(value_name = "RANGE", required = true)]
    ranges: Vec<Range>,
    /// Credentials of the inventory, in the order in which they are tried; again for more
    /// [default: all of SNMP]
    #[arg(long = "credential", value_name = "NAME")]
    credentials: Vec<String>,
    /// UDP port of SNMP
    #[arg(long, value_name = "PORT", default_value_t = 161, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// TCP port of SSH
    #[arg(long, value_name = "PORT", default_value_t = 22, value_parser = clap::value_parser!(u16).range(1..))]
    ssh_port: u16,
    /// Begin with at most this many addresses a second
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
    /// How long to wait for each answer
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = inventory::parse_duration)]
    timeout: Duration,
    /// Also write down what answers only to ping or at the port of SSH
    #[arg(long)]
    all: bool,
    /// Go on with the neighbors that devices know by LLDP and CDP, this many times; only those in
    /// --within
    #[arg(long, value_name = "ROUNDS", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=10))]
    neighbors: u8,
    /// Where neighbors may lie; again for more [default: the swept ranges]
    #[arg(long, value_name = "RANGE", requires = "neighbors")]
    within: Vec<Range>,
    /// Do not ask the name server for the names of addresses
    #[arg(long)]
    no_dns: bool,
    /// Write a file of the inventory instead of printing it, as inventory/hosts.d/found.yaml; one
    /// that exists is never replaced
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Exit code 1: nothing was found.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    if let Some(path) = args.write.as_deref().filter(|path| path.exists()) {
        anyhow::bail!(
            "{} is there already and is never replaced: name another file",
            path.display()
        );
    }
    let addresses = addresses(&args.ranges)?;
    let inventory = super::load_or_explain(home)?;
    let ways = Ways::of(home, &inventory, args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (found, swept) = runtime.block_on(async {
        tokio::select! {
            swept = all_rounds(args, addresses, ways) => swept,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped; nothing is written"),
        }
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(match tell(args, &inventory, &found, swept)? {
        true => super::EXIT_OK,
        false => super::EXIT_SOME_FAILED,
    })
}

fn addresses(ranges: &[Range]) -> anyhow::Result<Vec<IpAddr>> {
    let whole: u128 = ranges.iter().map(Range::count).sum();
    anyhow::ensure!(
        whole <= ADDRESSES_MAX as u128,
        "{whole} addresses are too many for one run (at most {ADDRESSES_MAX}): name smaller ranges"
    );
    let mut seen = BTreeSet::new();
    let each = ranges.iter().flat_map(Range::addresses);
    Ok(each.filter(|address| seen.insert(*address)).collect())
}

/// The ranges, then what the devices found there know of their neighbors.
async fn all_rounds(
    args: &Args,
    addresses: Vec<IpAddr>,
    ways: Ways,
) -> anyhow::Result<(Vec<Found>, usize)> {
    let sweep = Arc::new(Sweep::start(ways)?);
    let within = match &args.within[..] {
        [] => &args.ranges[..],
        named => named,
    };
    let mut asked: BTreeSet<IpAddr> = addresses.iter().copied().collect();
    let mut found = sweep.clone().over(addresses, &Progress::new()).await;
    let mut fresh = 0..found.len();
    for _ in 0..args.neighbors {
        let mut next = Vec::new();
        for device in &found[fresh] {
            for address in sweep.neighbors(device).await {
                let allowed = within.iter().any(|range| range.holds(address));
                if allowed && asked.len() < ADDRESSES_MAX && asked.insert(address) {
                    next.push(address);
                }
            }
        }
        if next.is_empty() {
            break;
        }
        let known = found.len();
        found.extend(sweep.clone().over(next, &Progress::new()).await);
        fresh = known..found.len();
    }
    found.sort_by_key(|device| device.address);
    Ok((found, asked.len()))
}

/// How far it is, on a terminal.
struct Progress {
    shown: bool,
}

impl Progress {
    fn new() -> Progress {
        Progress {
            shown: std::io::stderr().is_terminal(),
        }
    }

    fn tell(&self, done: usize, of: usize, found: usize) {
        const WIDTH: usize = 30;
        if self.shown {
            let full = "#".repeat(done * WIDTH / of.max(1));
            eprint!("\r\x1b[K[{full:.<WIDTH$}] {done} of {of} addresses, {found} found");
        }
    }

    fn end(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

/// Prints or writes the hosts; whether there are any.
fn tell(args: &Args, inventory: &Inventory, found: &[Found], swept: usize) -> anyhow::Result<bool> {
    let named: Vec<String> = args.ranges.iter().map(ToString::to_string).collect();
    let written = found::outline(found, inventory, args.all);
    let mut outline = written.outline;
    let summary = format!(
        "{} of {swept} addresses in {} answer; {} new hosts",
        found.len(),
        named.join(" "),
        outline.len(),
    );
    for remark in &written.remarks {
        eprintln!("note: {}", visible(remark));
    }
    eprintln!("{summary}");
    if outline.is_empty() {
        return Ok(false);
    }
    outline.heading = vec![
        format!("Found by eider discover {}", named.join(" ")),
        "Names are proposals: change them before the history begins, or with renamed_from later."
            .into(),
    ];
    let yaml = outline.to_yaml();
    match &args.write {
        Some(path) => {
            write_new(path, &yaml)?;
            eprintln!("written to {}", path.display());
        }
        None => output::print(&yaml)?,
    }
    Ok(true)
}

fn write_new(path: &Path, yaml: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = std::fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(yaml.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
