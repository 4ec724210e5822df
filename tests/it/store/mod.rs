//! The history as other processes see it: killed writers, two openers, the query verbs.

mod batch;
mod kill;
mod query;
mod seal;
mod upkeep;
