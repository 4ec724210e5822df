//! `eider ssh`: which host keys are trusted, and what a host needs to let us in.

mod authorize;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use super::output::{self, visible};
use crate::collect::ssh::{HostKey, HostKeys, Listed, Trusted, Verdict, fetch_host_key, listed};
use crate::home::Home;
use crate::inventory::{self, Access, NoSecrets, Target, nearest};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Ask hosts for their keys, show the fingerprints, and trust them
    Trust(TrustArgs),
    /// Print the line for authorized_keys on a host, as narrow as polling allows
    Authorize(AuthorizeArgs),
    /// List the trusted keys
    Keys {
        /// Only those of these hosts
        #[arg(value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Forget the keys of hosts
    Forget {
        #[arg(value_name = "HOST", required = true)]
        hosts: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct TrustArgs {
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// Trust without asking
    #[arg(long)]
    yes: bool,
    /// Trust a changed key in place of the known one
    #[arg(long)]
    replace: bool,
    /// Trust without asking what this OpenSSH known_hosts file lists, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    known_hosts: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct AuthorizeArgs {
    #[arg(value_name = "HOST")]
    host: String,
    /// The address that the host sees us come from; several with commas, as in sshd's from=
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let files = home.inventory_files().map_err(anyhow::Error::msg)?;
    let (inventory, problems) = inventory::load(&files, &NoSecrets);
    let Some(inventory) = inventory else {
        eprint!("{}", inventory::render(&problems, &files, false));
        return Ok(super::EXIT_CONFIG);
    };
    let keys = HostKeys::at(&home.resolve(&inventory.settings.data).join("state"));
    match &args.verb {
        Verb::Trust(args) => each(&args.hosts, |name| {
            let target = ssh_target(&inventory, name)?;
            trust(&keys, &target, args)
        }),
        Verb::Authorize(args) => each(std::slice::from_ref(&args.host), |name| {
            let target = ssh_target(&inventory, name)?;
            output::print(&authorize::line(&target, args.from.as_deref())?)
        }),
        Verb::Forget { hosts } => each(hosts, |name| {
            let target = ssh_target(&inventory, name)?;
            forget(&keys, &target)
        }),
        Verb::Keys { hosts } => list(&keys, hosts),
    }
}

/// Goes on to the next host after a failure; says so at the end by the exit code.
fn each(hosts: &[String], mut act: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<u8> {
    let mut code = super::EXIT_OK;
    for name in hosts {
        if let Err(error) = act(name) {
            eprintln!("error: {}: {error:#}", visible(name));
            code = super::EXIT_SOME_FAILED;
        }
    }
    Ok(code)
}

fn ssh_target(inventory: &inventory::Inventory, name: &str) -> anyhow::Result<Arc<Target>> {
    let Some(host) = inventory.hosts.get(name) else {
        let known = inventory.hosts.keys().map(|name| &**name);
        match nearest(name, known) {
            Some(likely) => bail!("there is no such host: did you mean `{likely}`?"),
            None => bail!("there is no such host in the inventory"),
        }
    };
    let is_ssh = |target: &&Arc<Target>| matches!(target.access, Access::Ssh(_));
    let target = host.targets.iter().find(is_ssh);
    target
        .cloned()
        .context("this host is not polled by ssh (collect: [ssh])")
}

/// Where the host's keys are kept: its names and its port.
fn place(target: &Target) -> ([&str; 2], u16) {
    let port = match &target.access {
        Access::Ssh(access) => access.port,
        _ => 22,
    };
    ([&target.host, &target.address], port)
}

fn trust(keys: &HostKeys, target: &Target, args: &TrustArgs) -> anyhow::Result<()> {
    let (names, port) = place(target);
    let Access::Ssh(access) = &target.access else {
        bail!("this host is not polled by ssh (collect: [ssh])");
    };
    let shown =
        fetch_host_key(target, access, keys).map_err(|failure| anyhow::anyhow!(failure.message))?;
    let said = format!(
        "{} at {} port {port} shows {} ({})",
        visible(&target.host),
        visible(&target.address),
        shown.fingerprint(),
        shown.short_kind()
    );
    match keys.check(&names, port, &shown).context(in_file(keys))? {
        Verdict::Trusted => return output::print(&format!("{said}: trusted already\n")),
        Verdict::Changed(known) if !args.replace => bail!(
            "{said}, but {} is trusted. If you know why it changed, say --replace",
            fingerprints(&known)
        ),
        Verdict::Changed(known) => {
            output::print(&format!("{said}, in place of {}\n", fingerprints(&known)))?
        }
        Verdict::Unknown => output::print(&format!("{said}\n"))?,
    }
    let source = match &args.known_hosts {
        Some(file) => {
            look_up(file, &names, port, &shown)?;
            "known_hosts"
        }
        None => {
            if !args.yes && !ask()? {
                bail!("not trusted");
            }
            "trust"
        }
    };
    if args.replace {
        keys.forget(&names, port).context(in_file(keys))?;
    }
    keys.trust(&Trusted::now(&target.host, port, &shown, source))
        .context(in_file(keys))?;
    output::print(&format!("{}: trusted\n", visible(&target.host)))
}

fn look_up(file: &Path, names: &[&str], port: u16, key: &HostKey) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    match listed(&String::from_utf8_lossy(&text), names, port, key) {
        Listed::Same => Ok(()),
        Listed::Revoked => bail!("{} says that this key is revoked", file.display()),
        Listed::Other => bail!("{} lists another key for this host", file.display()),
        Listed::Authority => bail!(
            "{} only has a certificate authority for this host, and eider does not ask for certificates: compare the fingerprint by hand",
            file.display()
        ),
        Listed::No => bail!("{} does not list this key for this host", file.display()),
    }
}

fn ask() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody to ask: compare the fingerprint with the host's own and say --yes");
    }
    eprint!("Is this the host's own key? Trust it [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn forget(keys: &HostKeys, target: &Target) -> anyhow::Result<()> {
    let (names, port) = place(target);
    match keys.forget(&names, port).context(in_file(keys))? {
        0 => bail!("no key of this host is trusted"),
        1 => output::print(&format!("{}: 1 key forgotten\n", visible(&target.host))),
        n => output::print(&format!("{}: {n} keys forgotten\n", visible(&target.host))),
    }
}

fn list(keys: &HostKeys, hosts: &[String]) -> anyhow::Result<u8> {
    let all = keys.all().context(in_file(keys))?;
    let wanted = |t: &&Trusted| hosts.is_empty() || hosts.contains(&t.host);
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["HOST", "PORT", "TYPE", "FINGERPRINT", "SINCE", "BY"]);
    for trusted in all.iter().filter(wanted) {
        table.add_row([
            visible(&trusted.host),
            trusted.port.to_string(),
            visible(trusted.key.short_kind()),
            trusted.key.fingerprint(),
            visible(&trusted.first_seen),
            visible(&trusted.source),
        ]);
    }
    if table.is_empty() {
        eprintln!("no trusted keys");
        return Ok(super::EXIT_OK);
    }
    output::print(&format!("{}\n", table.trim_fmt()))?;
    Ok(super::EXIT_OK)
}

fn fingerprints(known: &[Trusted]) -> String {
    let all = known.iter().map(|t| t.key.fingerprint());
    all.collect::<Vec<_>>().join(" or ")
}

fn in_file(keys: &HostKeys) -> String {
    keys.path().display().to_string()
}
