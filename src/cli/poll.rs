//! `eider poll`

use crate::home::Home;

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let _ = (home, args);
    anyhow::bail!("not built yet")
}
