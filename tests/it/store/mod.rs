//! The history as other processes see it: killed writers, two openers, the query verbs.

mod backup;
mod batch;
mod kill;
mod query;
mod seal;
mod upkeep;
