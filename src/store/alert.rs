//! Tables and views of alerts and notifications.

use super::schema::FixedTable;
use super::view::FixedView;

/// Made in schema `raw` at open; a column added here later is added to existing files.
pub(super) static TABLES: &[FixedTable] = &[];

/// Made in schema `main` at open.
pub(super) static VIEWS: &[FixedView] = &[];
