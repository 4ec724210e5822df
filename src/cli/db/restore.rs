//! `eider db restore DIR`

use std::path::PathBuf;

use super::super::client::{self, Client};
use super::super::{EXIT_OK, EXIT_SOME_FAILED, output};
use super::{count, perform, progress, size};
use crate::home::Home;
use crate::store::upkeep::{Restore, Task};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// What `eider db snapshot` made, or a copy of a stopped Eider's data directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Move a history that is there already to data/before-restore-…
    #[arg(long)]
    set_aside: bool,
    /// Copy the sealed files even where a hard link would do
    #[arg(long)]
    copy: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let data = client::data_of(home);
    if Client::connect(&data).is_some() {
        anyhow::bail!(
            "eider runs on {}: stop it first, or restore into another home",
            data.display()
        );
    }
    let restore = Restore {
        from: args.directory.clone(),
        data: data.clone(),
        set_aside: args.set_aside,
        copy: args.copy,
    };
    let mut bar = progress::Bar::new("restore");
    let restored = restore.run(&mut |step| {
        bar.draw(&step);
        true
    });
    bar.clear();
    let restored = restored?;
    if let Some(aside) = &restored.set_aside {
        output::print(&format!(
            "the history that was there lies in {} now\n",
            aside.display()
        ))?;
    }
    // Opens it once: views and columns of this version are made, and what is wrong is known now.
    let found = perform(home, &Task::Verify { quick: true })?;
    output::print(&format!(
        "restored into {}: {} ({}), {}\n",
        data.display(),
        count(restored.files as u64, "sealed file"),
        size(&restored.bytes.into()),
        count(found["hot_rows"].as_u64().unwrap_or(0), "hot row"),
    ))?;
    if found["problems"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        eprintln!("not all is well: `eider db verify` says what");
        return Ok(EXIT_SOME_FAILED);
    }
    Ok(EXIT_OK)
}
