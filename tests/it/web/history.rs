//! The made-up readings of a fleet: waves, growing counters, gaps and failures.

use std::time::Duration;

use eider::reading::{
    Cause, Collection, Effort, EntityKey, Event, Failure, Method, Readings, Row, TableReadings,
    Uptime, Value,
};
use eider::table;

use super::fleet::{Member, Mood};

/// A number between 0 and 1 that looks random and is the same every time.
fn noise(a: i64, b: i64) -> f64 {
    let mut x = (a.wrapping_mul(0x9E37_79B9) ^ b.wrapping_mul(0x85EB_CA6B)) as u64;
    x ^= x >> 13;
    x = x.wrapping_mul(0xC2B2_AE35_27D4_EB4F);
    ((x >> 40) & 0xFFFF) as f64 / 65_535.0
}

/// What the host answers in that minute; `None`: nobody asked.
pub(super) fn collection(
    member: &Member,
    seed: i64,
    begin: i64,
    minute: i64,
    minutes: i64,
) -> Option<Collection> {
    let left = minutes - minute;
    if member.mood == Mood::Silent && left < 15 {
        return None;
    }
    // A stretch without any poll, to see that a gap stays one.
    if (minutes / 3..minutes / 3 + 12).contains(&minute) && seed % 5 == 1 {
        return None;
    }
    let failed = member.mood == Mood::Down && left < 9;
    let outcome = if failed {
        Err(Failure::new(
            Cause::Timeout,
            format!("no answer on udp/161 (2 retries, 5 s){}", member.text),
        ))
    } else {
        Ok(readings(member, seed, begin, minute))
    };
    Some(Collection {
        host: member.name.into(),
        way: Method::Local.into(),
        ts: begin + minute * 60,
        took: Duration::from_millis(40 + (noise(seed, minute) * 80.0) as u64),
        read_at_ms: minute as u64 * 60_000,
        effort: Effort {
            requests: 6,
            retries: u32::from(failed) * 2,
            bytes: 4096,
        },
        outcome,
    })
}

fn readings(member: &Member, seed: i64, begin: i64, minute: i64) -> Readings {
    let ill = member.mood == Mood::Ill;
    let wave = (minute as f64 / 55.0 + seed as f64).sin() * 0.5 + 0.5;
    let busy = if ill { 72.0 } else { 8.0 } + wave * 22.0 + noise(seed, minute) * 6.0;
    let text = member.text;
    let mut problems = Vec::new();
    if member.mood == Mood::Partly {
        problems.push(format!("df: no answer within 5 s{text}"));
    }
    let mut events = Vec::new();
    if minute == 2 {
        events.push(Event {
            kind: "link_up",
            subject: format!("eth0{text}"),
            message: format!("eth0{text} is up"),
        });
    }
    let host_facts = [
        ("sys_name", format!("{}{text}", member.name)),
        (
            "sys_descr",
            format!("Linux {} 6.12.48+deb13-amd64 #1 SMP{text}", member.name),
        ),
        ("os", format!("Debian GNU/Linux 13 (trixie){text}")),
        ("kernel", format!("6.12.48{text}")),
        ("arch", "x86_64".to_owned()),
        ("location", format!("Rack {}{text}", seed + 1)),
        ("cpu_model", format!("AMD EPYC 7302P{text}")),
    ];
    Readings {
        uptime: Some(Uptime {
            ms: (3_000_000 + minute * 60) as u64 * 1000,
            wraps: false,
            boot: 7,
        }),
        tables: vec![
            system(busy, minute),
            cpu(busy, wave),
            memory(ill, wave, seed),
            filesystems(member, minute),
            disks(text, seed, minute, wave),
            interfaces(member, seed, minute),
            process_states(ill),
            processes(text, begin, busy),
        ],
        host_facts: host_facts.to_vec(),
        events,
        problems,
    }
}

fn one(table: &'static table::Table, cells: &[(&str, Value)]) -> TableReadings {
    TableReadings {
        table,
        rows: vec![row(table, None, cells)],
    }
}

fn row(table: &'static table::Table, entity: Option<EntityKey>, cells: &[(&str, Value)]) -> Row {
    let mut row = Row::new(table, entity);
    for (column, value) in cells {
        if table.position(column).is_some() {
            row.set(table, column, value.clone());
        } else {
            row.set_fact(table, column, value.clone());
        }
    }
    row
}

fn system(busy: f64, minute: i64) -> TableReadings {
    one(
        &table::SYSTEM,
        &[
            ("uptime_s", Value::Int(3_000_000 + minute * 60)),
            ("load1", Value::Float(busy / 22.0)),
            ("load5", Value::Float(busy / 25.0)),
            ("load15", Value::Float(busy / 28.0)),
            ("processes", Value::Int(231)),
        ],
    )
}

fn cpu(busy: f64, wave: f64) -> TableReadings {
    one(
        &table::CPU,
        &[
            ("used_pct", Value::Float(busy.min(100.0))),
            ("user_pct", Value::Float(busy * 0.7)),
            ("system_pct", Value::Float(busy * 0.3)),
            ("iowait_pct", Value::Float(wave * 4.0)),
            ("steal_pct", Value::Float(0.0)),
            ("cores", Value::Int(8)),
        ],
    )
}

fn memory(ill: bool, wave: f64, seed: i64) -> TableReadings {
    let total = 16_i64 << 30;
    let share =
        if ill { 0.93 } else { 0.31 } + wave * 0.05 + noise(seed, 1) * 0.2 * f64::from(!ill);
    let used = (total as f64 * share.min(0.99)) as i64;
    one(
        &table::MEMORY,
        &[
            ("total_bytes", Value::Int(total)),
            ("used_bytes", Value::Int(used)),
            ("available_bytes", Value::Int(total - used)),
            ("used_pct", Value::Float(used as f64 * 100.0 / total as f64)),
            ("swap_total_bytes", Value::Int(2 << 30)),
            ("swap_used_bytes", Value::Int(if ill { 1 << 30 } else { 0 })),
            ("swap_used_pct", Value::Float(if ill { 50.0 } else { 0.0 })),
        ],
    )
}

fn filesystems(member: &Member, minute: i64) -> TableReadings {
    let mounts = [
        ("/", 40_i64, 0.31),
        (
            "/var",
            200,
            if member.mood == Mood::Ill { 0.93 } else { 0.55 },
        ),
        ("/home", 500, 0.72),
    ];
    let rows = mounts.iter().map(|(mount, gib, share)| {
        let size = gib << 30;
        let used = (size as f64 * (share + minute as f64 * 0.00001)) as i64;
        row(
            &table::FILESYSTEM,
            Some(EntityKey::named(format!("{mount}{}", member.text))),
            &[
                ("size_bytes", Value::Int(size)),
                ("used_bytes", Value::Int(used)),
                ("free_bytes", Value::Int(size - used)),
                ("used_pct", Value::Float(used as f64 * 100.0 / size as f64)),
                ("inodes_used_pct", Value::Float(12.5)),
                (
                    "device",
                    Value::text(format!("/dev/mapper/vg0{}", member.text)),
                ),
                ("fstype", Value::text("ext4")),
            ],
        )
    });
    TableReadings {
        table: &table::FILESYSTEM,
        rows: rows.collect(),
    }
}

fn disks(text: &str, seed: i64, minute: i64, wave: f64) -> TableReadings {
    let grown = |rate: f64| Value::Counter64((minute as f64 * 60.0 * rate) as u64);
    let jitter = 1.0 + noise(seed, minute / 7) * 0.02;
    TableReadings {
        table: &table::DISK,
        rows: vec![row(
            &table::DISK,
            Some(EntityKey::named(format!("sda{text}"))),
            &[
                ("read_bytes", grown(3e6 * jitter)),
                ("write_bytes", grown(9e6 + wave * 1e4)),
                ("reads", grown(90.0)),
                ("writes", grown(160.0)),
                ("busy_ms", grown(140.0)),
                ("wait_ms", grown(600.0)),
            ],
        )],
    }
}

fn interfaces(member: &Member, seed: i64, minute: i64) -> TableReadings {
    let rows = (0..member.interfaces).map(|n| {
        let rate = 4e6 * (1.0 + f64::from(n)) * (1.0 + noise(seed, i64::from(n)));
        // The integral of a wave: a counter never falls.
        let seconds = minute as f64 * 60.0;
        let octets = |phase: f64| {
            let swing = ((seconds / 4000.0 + phase).sin() - phase.sin()) * 4000.0 * 0.6;
            Value::Counter64((rate * (seconds + swing)).max(0.0) as u64)
        };
        let up = n + 1 < member.interfaces.max(2);
        let mut key = EntityKey::named(format!("eth{n}{}", member.text));
        key.alias = format!("customer {n}{}", member.text);
        row(
            &table::INTERFACE,
            Some(key),
            &[
                ("in_octets", octets(0.0)),
                ("out_octets", octets(1.5)),
                ("in_packets", Value::Counter64(seconds as u64 * 900)),
                ("out_packets", Value::Counter64(seconds as u64 * 700)),
                (
                    "in_errors",
                    Value::Counter64(u64::from(n == 0) * minute as u64 / 9),
                ),
                ("out_errors", Value::Counter64(0)),
                ("in_discards", Value::Counter64(0)),
                ("out_discards", Value::Counter64(0)),
                ("state", Value::text(if up { "up" } else { "down" })),
                ("admin_state", Value::text("up")),
                ("alias", Value::text(format!("customer {n}{}", member.text))),
                ("speed_bps", Value::Int(1_000_000_000)),
                ("mac", Value::text("02:00:5e:00:53:01")),
                ("mtu", Value::Int(1500)),
                ("if_index", Value::Int(i64::from(n) + 1)),
            ],
        )
    });
    TableReadings {
        table: &table::INTERFACE,
        rows: rows.collect(),
    }
}

fn process_states(ill: bool) -> TableReadings {
    one(
        &table::PROCESS_STATE,
        &[
            ("total", Value::Int(231)),
            ("running", Value::Int(3)),
            ("sleeping", Value::Int(180)),
            ("uninterruptible", Value::Int(i64::from(ill) * 4)),
            ("stopped", Value::Int(0)),
            ("zombie", Value::Int(i64::from(ill) * 2)),
            ("idle", Value::Int(44)),
            ("threads", Value::Int(512)),
        ],
    )
}

fn processes(text: &str, begin: i64, busy: f64) -> TableReadings {
    let names = [
        "postgres",
        "nginx",
        "node",
        "sshd",
        "systemd-journald",
        "cron",
    ];
    let rows = names.iter().enumerate().map(|(n, name)| {
        let share = busy / (n as f64 + 1.5);
        row(
            &table::PROCESS,
            None,
            &[
                ("pid", Value::Int(800 + n as i64 * 37)),
                ("started", Value::Int(begin - 86_400 * (n as i64 + 1))),
                ("name", Value::text(format!("{name}{text}"))),
                ("user_name", Value::text(format!("user{n}{text}"))),
                ("state", Value::text("S")),
                ("cpu_pct", Value::Float(share)),
                ("rss_bytes", Value::Int((900 << 20) / (n as i64 + 1))),
                ("mem_pct", Value::Float(5.5 / (n as f64 + 1.0))),
            ],
        )
    });
    TableReadings {
        table: &table::PROCESS,
        rows: rows.collect(),
    }
}
