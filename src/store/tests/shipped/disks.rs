//! File systems: ten days of hours from 2026-10-26T00:00Z on.

use super::world::World;
use super::*;

pub(super) fn world() -> World {
    let mut world = World::new(&[("a", &["web"]), ("b", &["db"])]);
    let start = at("2026-10-26T00:00:00Z");
    for hour in 0..240_i64 {
        let ts = start + hour * 3600;
        let day = hour as f64 / 24.0;
        for (mount, used) in [
            // 2 % a day.
            ("/", 60.0 + 2.0 * day),
            // 1 % a day, but a dump took 15 % more on the fourth day: least squares would be misled.
            (
                "/data",
                70.0 + day + if (72..96).contains(&hour) { 15.0 } else { 0.0 },
            ),
            ("/full", 100.0),
            ("/small", 10.0 + day),
            ("/var", 80.0 - 0.24 * day),
        ] {
            disk(&mut world, ts, mount, used);
        }
        // Unmounted on the second day.
        if hour < 40 {
            disk(&mut world, ts, "/gone", 90.0 + 0.1 * hour as f64);
        }
    }
    world.save()
}

fn disk(world: &mut World, ts: i64, mount: &str, used: f64) {
    // As rows are stored: percentages have two decimals.
    let used = (used * 100.0).round() / 100.0;
    let values = [
        ("used_pct", Value::Float(used)),
        ("free_bytes", Value::Int(7)),
    ];
    world.row(("a", ts), "filesystem", mount, None, &values);
}
