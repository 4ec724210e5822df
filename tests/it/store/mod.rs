//! The history as other processes see it: killed writers, two openers, the query verbs.

mod backup;
pub(crate) mod batch;
mod kill;
mod query;
mod seal;
mod upkeep;
