//! The pages for people, one file each.

pub(super) mod alerts;
pub(super) mod console;
pub(super) mod fleet;
pub(super) mod host;
pub(super) mod made;
pub(super) mod overview;
pub(super) mod query;
pub(super) mod report;
pub(super) mod schema;
mod sql;
pub(super) mod status;
