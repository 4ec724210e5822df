//! The flat payload of small Python scripts around psutil:
//! `{hostname, cpu_percent, memory_percent, disk_percent, bytes_sent, bytes_recv,
//! processes: [{pid, name, status, cpu_percent, memory_percent}]}`.
//!
//! Scripts differ: what is missing stays NULL, keys we do not know are passed over.

use serde_json::{Map, Value as Json, json};

use super::rows::{self, Rows};
use super::{Body, Circumstances, Delivery, plausible};
use crate::table::{CPU, FILESYSTEM, INTERFACE, MEMORY, PROCESS, PROCESS_STATE, Table};

/// psutil's disk_usage("/") is what such scripts send.
const MOUNT: &str = "/";
/// psutil's net_io_counters() adds up every interface of the machine.
const ALL_INTERFACES: &str = "all";

/// psutil's words for states, the letters of ps, and the columns of `process_state`.
const STATES: [(&str, &str, &str); 11] = [
    ("running", "R", "running"),
    ("sleeping", "S", "sleeping"),
    ("disk-sleep", "D", "uninterruptible"),
    ("stopped", "T", "stopped"),
    ("tracing-stop", "t", "stopped"),
    ("zombie", "Z", "zombie"),
    ("idle", "I", "idle"),
    ("parked", "P", "idle"),
    ("waking", "W", "running"),
    ("wake-kill", "K", "uninterruptible"),
    ("dead", "X", "zombie"),
];

/// Takes one payload.
pub(super) fn read(text: &str, about: &Circumstances<'_>, body: &mut Body) {
    let fields = match serde_json::from_str(text) {
        Ok(Json::Object(fields)) => fields,
        Ok(_) => return body.wrong(1, "", "the payload is an object: {\"cpu_percent\": …}"),
        Err(error) => return body.wrong(error.line().max(1), "", format!("not JSON: {error}")),
    };
    let ts = match ["timestamp", "time"]
        .iter()
        .find_map(|key| fields.get(*key))
    {
        None | Some(Json::Null) => about.now,
        // Scripts write local times without a zone, too: those say nothing, our clock does.
        Some(given) => match rows::time(given).map(|ts| plausible(ts, about.now)) {
            Some(Ok(ts)) => ts,
            Some(Err(why)) => return body.wrong(1, "timestamp", why),
            None => about.now,
        },
    };
    let mut made = Rows::default();
    whole(&fields, &mut made, body);
    let many = fields.get("processes").and_then(Json::as_array);
    if let Some(list) = many {
        processes(list, &mut made, body);
    }
    body.deliveries.push(Delivery {
        host: ["hostname", "host"]
            .iter()
            .find_map(|key| fields.get(*key)?.as_str())
            .map(rows::clean)
            .filter(|name| !name.is_empty()),
        ts,
        readings: made.into_readings(),
        ..Delivery::default()
    });
}

/// The numbers of the machine as a whole.
fn whole(fields: &Map<String, Json>, made: &mut Rows, body: &mut Body) {
    let known: [(&str, &'static Table, Option<&str>, &str); 5] = [
        ("cpu_percent", &CPU, Some(""), "used_pct"),
        ("memory_percent", &MEMORY, Some(""), "used_pct"),
        ("disk_percent", &FILESYSTEM, Some(MOUNT), "used_pct"),
        ("bytes_recv", &INTERFACE, Some(ALL_INTERFACES), "in_octets"),
        ("bytes_sent", &INTERFACE, Some(ALL_INTERFACES), "out_octets"),
    ];
    for (key, table, entity, column) in known {
        let Some(given) = fields.get(key).filter(|given| !given.is_null()) else {
            continue;
        };
        let result = made
            .row(table, entity)
            .and_then(|row| rows::set(table, row, column, given));
        if let Err(why) = result {
            body.wrong(1, key, why);
        }
    }
    for table in [&CPU, &MEMORY] {
        let told = if table == &CPU {
            "cpu_percent"
        } else {
            "memory_percent"
        };
        if fields.get(told).is_some_and(Json::is_number)
            && let Ok(row) = made.row(table, Some(""))
        {
            let _ = rows::set(table, row, "formula", &json!("psutil"));
        }
    }
}

/// Every process counts for its state; which ones are kept is decided where all methods meet.
fn processes(list: &[Json], made: &mut Rows, body: &mut Body) {
    let mut counts = [0_i64; STATES.len()];
    for (position, process) in list.iter().enumerate() {
        let place = |key: &str| format!("processes[{position}]{key}");
        let Json::Object(fields) = process else {
            body.wrong(1, place(""), "not an object: {\"pid\": …, \"name\": …}");
            continue;
        };
        let status = fields.get("status").and_then(Json::as_str);
        let state = status.and_then(|word| STATES.iter().position(|(known, ..)| *known == word));
        if let Some(state) = state {
            counts[state] += 1;
        }
        let row = match made.row(&PROCESS, None) {
            Ok(row) => row,
            Err(why) => return body.wrong(1, place(""), why),
        };
        let cells = [
            ("pid", "pid"),
            ("name", "name"),
            ("cpu_percent", "cpu_pct"),
            ("memory_percent", "mem_pct"),
            ("create_time", "started"),
            ("username", "user_name"),
        ];
        for (key, column) in cells {
            // psutil gives None where it may not look.
            if let Some(given) = fields.get(key).filter(|given| !given.is_null())
                && let Err(why) = rows::set(&PROCESS, row, column, given)
            {
                body.wrong(1, place(&format!(".{key}")), why);
            }
        }
        if let Some(state) = state {
            let _ = rows::set(&PROCESS, row, "state", &json!(STATES[state].1));
        }
    }
    let Ok(row) = made.row(&PROCESS_STATE, Some("")) else {
        return;
    };
    let _ = rows::set(&PROCESS_STATE, row, "total", &json!(list.len()));
    for column in [
        "running",
        "sleeping",
        "uninterruptible",
        "stopped",
        "zombie",
        "idle",
    ] {
        let of_column = STATES
            .iter()
            .zip(counts)
            .filter(|((.., c), _)| *c == column);
        let sum: i64 = of_column.map(|(_, count)| count).sum();
        let _ = rows::set(&PROCESS_STATE, row, column, &json!(sum));
    }
}
