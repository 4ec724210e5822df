//! The history as other processes see it: killed writers, two openers, the query verbs.

mod backup;
pub(crate) mod batch;
mod clock;
mod damage;
mod kill;
mod query;
mod seal;
mod trouble;
mod upkeep;

/// How often a fault is repeated: as often as said here, or, with `EIDER_TEST_LONG`, as often as
/// `make test-long` does.
fn rounds(short: u32, long: u32) -> u32 {
    if std::env::var_os("EIDER_TEST_LONG").is_some() {
        long
    } else {
        short
    }
}
