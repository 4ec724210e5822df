//! `eider sql-child`, hidden: the process that answers one question of a person.

/// Takes an order on standard input and does not come back.
pub(super) fn run() -> anyhow::Result<u8> {
    crate::store::adhoc::child::main()?;
    Ok(super::EXIT_OK)
}
