//! Machines: five weeks of hours from 2026-10-05 on, across the end of New York's summer time on
//! 2026-11-01 at 06:00Z, and twenty minutes of two more.

use super::world::World;
use super::*;

pub(super) fn world() -> World {
    let mut world = World::new(&[
        ("w1", &["weeks"]),
        ("w2", &["weeks"]),
        ("x", &["pair"]),
        ("y", &["pair"]),
    ]);
    let start = at("2026-10-05T00:30:00Z");
    let summer_ends = at("2026-11-01T06:00:00Z");
    for hour in 0..35 * 24 {
        let ts = start + hour * 3600;
        // w1: as many percent as it is hours by UTC.
        let hour_of_day = hour % 24;
        cpu(&mut world, "w1", ts, hour_of_day as f64);
        // w2: 50 % from 9 to 10 in New York, else 10 %; on 2026-11-05 from 15 to 16 there, 80 %.
        let nine = if ts < summer_ends { 13 } else { 14 };
        let odd = at("2026-11-05T20:30:00Z");
        let used = match hour_of_day {
            _ if ts == odd => 80.0,
            h if h == nine => 50.0,
            _ => 10.0,
        };
        cpu(&mut world, "w2", ts, used);
    }
    // Memory of w2 on Thursdays at noon: what varies by itself.
    for (week, used) in [40.0, 50.0, 60.0, 70.0, 90.0].into_iter().enumerate() {
        let ts = at("2026-10-08T12:30:00Z") + i64::try_from(week).unwrap() * 7 * 86_400;
        let values = [("used_pct", Value::Float(used))];
        world.row(("w2", ts), "memory", "", None, &values);
    }
    for minute in 0..20 {
        pair(&mut world, minute);
    }
    world.save()
}

fn cpu(world: &mut World, host: &str, ts: i64, used: f64) {
    let values = [("used_pct", Value::Float(used))];
    world.row((host, ts), "cpu", "", None, &values);
}

/// x: as many percent as minutes, from 2 to 20; y twice that.
fn pair(world: &mut World, minute: i64) {
    let ts = at("2026-11-02T00:00:00Z") + minute * 60;
    for (host, times) in [("x", 1), ("y", 2)] {
        let used = match minute {
            0 => Value::Null,
            _ => Value::Float((times * (minute + 1)) as f64),
        };
        let cpu = [
            ("used_pct", used),
            ("iowait_pct", Value::Float(3.0)),
            ("cores", Value::Int(4)),
        ];
        world.row((host, ts), "cpu", "", None, &cpu);
        let load = [("load1", Value::Float(6.0))];
        world.row((host, ts), "system", "", None, &load);
        // x was at 90 % for a minute.
        let used = if minute == 7 && host == "x" {
            90.0
        } else {
            50.0
        };
        let memory = [
            ("used_pct", Value::Float(used)),
            ("available_bytes", Value::Int(1000 - minute * times)),
            ("total_bytes", Value::Int(2000)),
            ("swap_used_bytes", Value::Int(minute * 10)),
            ("swap_used_pct", Value::Float(minute as f64)),
        ];
        world.row((host, ts), "memory", "", None, &memory);
        // x cannot tell; y has two zombies in the last five minutes.
        let zombies = match host {
            "x" => Value::Null,
            _ => Value::Int(if minute >= 15 { 2 } else { 0 }),
        };
        world.row(
            (host, ts),
            "process_state",
            "",
            None,
            &[("zombie", zombies)],
        );
    }
}
