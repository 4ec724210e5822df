//! `eider mib`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;

use super::output;
use crate::home::Home;
use crate::inventory::{self, NoSecrets, SourceFile};
use crate::mib::{self, Draft, Order, profile_name};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Draft a profile from the MIB modules of a vendor
    Import(Import),
}

#[derive(Debug, clap::Args)]
struct Import {
    /// Files with MIB modules
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only this module of the files
    #[arg(long, value_name = "NAME")]
    module: Option<String>,
    /// A folder with modules that these import; may be given again. The folders of the files, `mibs/`
    /// of the home and those of net-snmp are looked in anyway
    #[arg(long = "path", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Write the draft here instead of printing it: inventory/profiles/NAME.yaml
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(home: &Home, args: Args) -> anyhow::Result<u8> {
    let Verb::Import(import) = args.verb;
    let stem = import
        .out
        .as_deref()
        .and_then(|out| out.file_stem()?.to_str());
    if let Some(stem) = stem
        && profile_name(stem) != stem
    {
        eprintln!(
            "`{stem}` cannot be the name of a profile: use lower case letters, digits and `-`, as {}",
            profile_name(stem)
        );
        return Ok(super::EXIT_USAGE);
    }
    let name = stem.map(str::to_owned);
    let mut folders = import.folders;
    folders.push(home.resolve("mibs"));
    let order = Order {
        files: import.files,
        module: import.module,
        folders,
    };
    let draft = match mib::import(order, name) {
        Ok(draft) => draft,
        Err(why) => {
            eprintln!("{}", output::visible_lines(&why));
            return Ok(super::EXIT_CONFIG);
        }
    };
    if let Some(problems) = problems(&draft) {
        // The draft is still the best start there is.
        eprintln!("the draft does not pass the check as it is; please report it:\n{problems}");
    }
    match &import.out {
        Some(out) => write_new(out, &draft.yaml)?,
        None => output::print(&draft.yaml)?,
    }
    tell(&draft, import.out.as_deref());
    Ok(super::EXIT_OK)
}

/// What the loader says of it.
fn problems(draft: &Draft) -> Option<String> {
    let files = [
        SourceFile::new("inventory/hosts.yaml", "hosts: {a: {collect: [local]}}\n"),
        SourceFile::new(
            format!("inventory/profiles/{}.yaml", draft.name),
            draft.yaml.as_str(),
        ),
    ];
    let (loaded, problems) = inventory::load(&files, &NoSecrets);
    loaded
        .is_none()
        .then(|| inventory::render(&problems, &files, false))
}

fn write_new(out: &std::path::Path, yaml: &str) -> anyhow::Result<()> {
    let shown = out.display();
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut file = std::fs::File::create_new(out)
        .with_context(|| format!("cannot write {shown} (an existing file is never replaced)"))?;
    file.write_all(yaml.as_bytes())
        .with_context(|| format!("cannot write {shown}"))
}

fn tell(draft: &Draft, out: Option<&std::path::Path>) {
    for doubt in &draft.doubts {
        eprintln!("{}", output::visible(doubt));
    }
    for left in &draft.left_out {
        eprintln!("left out: {}", output::visible(left));
    }
    let made = format!(
        "tables: {}, columns: {}, traps: {}",
        draft.tables, draft.columns, draft.traps
    );
    match out {
        Some(out) => eprintln!(
            "{}: {made}; delete what nobody needs, then `eider check`",
            out.display()
        ),
        None => eprintln!("{made}"),
    }
}
