//! Which cells the fields of a point fill: those of our own tables under their own names, and those
//! that Telegraf's system plugins send.

use serde_json::{Value as Json, json};

use super::Circumstances;
use super::line::Point;
use super::rows::{self, Rows};
use crate::table::{CPU, DISK, FILESYSTEM, INTERFACE, MEMORY, PROCESS_STATE, SYSTEM, Table};

/// A measurement of Telegraf: its table, the tag that names the entity, field and column.
struct Known {
    measurement: &'static str,
    table: &'static Table,
    tag: Option<&'static str>,
    cells: &'static [(&'static str, &'static str)],
}

/// Field names as Telegraf 1.x writes them (plugins cpu, mem, swap, system, disk, diskio, net,
/// processes).
const KNOWN: &[Known] = &[
    Known {
        measurement: "cpu",
        table: &CPU,
        tag: None,
        cells: &[
            ("usage_system", "system_pct"),
            ("usage_iowait", "iowait_pct"),
            ("usage_steal", "steal_pct"),
        ],
    },
    Known {
        measurement: "mem",
        table: &MEMORY,
        tag: None,
        cells: &[
            ("total", "total_bytes"),
            ("available", "available_bytes"),
            ("buffered", "buffers_bytes"),
            ("cached", "cached_bytes"),
        ],
    },
    Known {
        measurement: "swap",
        table: &MEMORY,
        tag: None,
        cells: &[
            ("total", "swap_total_bytes"),
            ("used", "swap_used_bytes"),
            ("used_percent", "swap_used_pct"),
        ],
    },
    Known {
        measurement: "system",
        table: &SYSTEM,
        tag: None,
        cells: &[
            ("load1", "load1"),
            ("load5", "load5"),
            ("load15", "load15"),
            ("uptime", "uptime_s"),
            ("n_users", "users"),
        ],
    },
    Known {
        measurement: "disk",
        table: &FILESYSTEM,
        tag: Some("path"),
        cells: &[
            ("total", "size_bytes"),
            ("used", "used_bytes"),
            ("free", "free_bytes"),
            ("used_percent", "used_pct"),
            ("inodes_total", "inodes"),
            ("inodes_used", "inodes_used"),
        ],
    },
    Known {
        measurement: "diskio",
        table: &DISK,
        tag: Some("name"),
        cells: &[
            ("reads", "reads"),
            ("writes", "writes"),
            ("read_bytes", "read_bytes"),
            ("write_bytes", "write_bytes"),
        ],
    },
    Known {
        measurement: "net",
        table: &INTERFACE,
        tag: Some("interface"),
        cells: &[
            ("bytes_recv", "in_octets"),
            ("bytes_sent", "out_octets"),
            ("packets_recv", "in_packets"),
            ("packets_sent", "out_packets"),
            ("err_in", "in_errors"),
            ("err_out", "out_errors"),
            ("drop_in", "in_discards"),
            ("drop_out", "out_discards"),
        ],
    },
    Known {
        measurement: "processes",
        table: &PROCESS_STATE,
        tag: None,
        cells: &[
            ("total", "total"),
            ("running", "running"),
            ("sleeping", "sleeping"),
            ("blocked", "uninterruptible"),
            ("stopped", "stopped"),
            ("zombies", "zombie"),
            ("idle", "idle"),
            ("total_threads", "threads"),
        ],
    },
];

/// Puts a point into its row; what is wrong comes back in words.
pub(super) fn take(point: &Point, about: &Circumstances<'_>, rows: &mut Rows) -> Vec<String> {
    let known = KNOWN
        .iter()
        .find(|k| k.measurement == point.measurement && is_meant(k, point));
    match known {
        Some(known) => foreign(known, point, rows),
        None => own(point, about, rows),
    }
}

/// Our own tables `cpu` and `disk` share their names with Telegraf's: the fields tell them apart.
fn is_meant(known: &Known, point: &Point) -> bool {
    let has = |name: &str| point.fields.iter().any(|(field, _)| field == name);
    let tagged = known.tag.is_none_or(|tag| point.tag(tag).is_some());
    tagged
        && (known
            .cells
            .iter()
            .any(|(field, column)| field != column && has(field))
            || !own_fields(known.table, point))
}

fn own_fields(table: &Table, point: &Point) -> bool {
    point
        .fields
        .iter()
        .any(|(field, _)| table.position(field).is_some())
}

fn foreign(known: &Known, point: &Point, rows: &mut Rows) -> Vec<String> {
    // One row per machine: of Telegraf's rows per CPU only the total is taken.
    if known.measurement == "cpu" && point.tag("cpu").is_some_and(|cpu| cpu != "cpu-total") {
        return Vec::new();
    }
    // Telegraf adds the protocol counters of the whole machine under this name.
    if known.measurement == "net" && point.tag("interface") == Some("all") {
        return Vec::new();
    }
    let table = known.table;
    let entity = known.tag.map_or(Some(""), |tag| point.tag(tag));
    let row = match rows.row(table, entity) {
        Ok(row) => row,
        Err(why) => return vec![why],
    };
    let mut wrong = Vec::new();
    let mut set = |column: &str, value: &Json| {
        if let Err(why) = rows::set(table, row, column, value) {
            wrong.push(format!("{column}: {why}"));
        }
    };
    let number = |name: &str| {
        let found = point.fields.iter().find(|(field, _)| field == name);
        found.and_then(|(_, value)| value.as_f64())
    };
    for (field, value) in &point.fields {
        if let Some((_, column)) = known.cells.iter().find(|(name, _)| name == field) {
            set(column, value);
        }
    }
    if known.measurement == "cpu" {
        // Our one formula: 100 - idle - iowait.
        if let Some(idle) = number("usage_idle") {
            let used = 100.0 - idle - number("usage_iowait").unwrap_or(0.0);
            set("used_pct", &json!(used.clamp(0.0, 100.0)));
            set("formula", &json!("telegraf"));
        }
        if let Some(user) = number("usage_user") {
            set(
                "user_pct",
                &json!(user + number("usage_nice").unwrap_or(0.0)),
            );
        }
    }
    if known.measurement == "mem"
        && let (Some(total), Some(available)) = (number("total"), number("available"))
    {
        set("used_bytes", &json!(total - available));
        if total > 0.0 {
            set("used_pct", &json!(100.0 * (total - available) / total));
        }
        set("formula", &json!("telegraf"));
    }
    if known.measurement == "disk"
        && let (Some(total), Some(used)) = (number("inodes_total"), number("inodes_used"))
        && total > 0.0
    {
        set("inodes_used_pct", &json!(100.0 * used / total));
    }
    if known.table == &FILESYSTEM
        && let Some(device) = point.tag("device")
    {
        let _ = rows::set(table, row, "device", &json!(device));
    }
    wrong
}

/// `memory used_pct=41.5`: our own table and columns; a tag names the entity.
fn own(point: &Point, about: &Circumstances<'_>, rows: &mut Rows) -> Vec<String> {
    let Some(table) = (about.table)(&point.measurement) else {
        return vec!["there is no such table".into()];
    };
    let entity = table.entity.map_or(Some(""), |column| point.tag(column));
    let row = match rows.row(table, entity.or(Some(""))) {
        Ok(row) => row,
        Err(why) => return vec![why],
    };
    let cells = point.fields.iter();
    cells
        .filter_map(|(field, value)| rows::set(table, row, field, value).err())
        .collect()
}
