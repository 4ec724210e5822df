//! Ports: a hundred minutes from 2026-11-02T00:00Z on, and a hundred days of ports of which most are
//! idle.

use super::world::World;
use super::*;

const MINUTE_MS: Option<i64> = Some(60_000);
/// Octets in a minute that are 1 Mbit/s.
const MEGABIT: i64 = 7_500_000;

pub(super) fn world() -> World {
    let mut world = World::new(&[("s1", &["edge"]), ("s2", &["core"])]);
    let start = at("2026-11-02T00:00:00Z");
    let told = |alias: &str, megabits: i64| {
        [
            ("alias", Value::text(alias)),
            ("speed_bps", Value::Int(megabits * 1_000_000)),
        ]
    };
    world.facts(("s1", start), "interface", "p1", &told("uplink", 100));
    world.facts(("s1", start), "interface", "p2", &told("customer A", 10));
    for minute in 0..100 {
        let ts = start + minute * 60;
        // The number of the 5-minute slot, from 1.
        let slot = minute / 5 + 1;
        // p1: `slot` Mbit/s in; out 0.5 Mbit/s, in the last two slots 30 Mbit/s.
        let out = if slot <= 18 {
            MEGABIT / 2
        } else {
            30 * MEGABIT
        };
        let p1 = [
            ("in_octets", Value::Int(slot * MEGABIT)),
            ("out_octets", Value::Int(out)),
            ("in_packets", Value::Int(1000)),
            ("out_packets", Value::Int(1000)),
            ("state", Value::text("up")),
        ];
        world.row(("s1", ts), "interface", "p1", MINUTE_MS, &p1);
        // p2: measured for 10 slots only, in only; one error and two discards in a thousand.
        if slot <= 10 {
            let p2 = [
                ("in_octets", Value::Int(slot * MEGABIT)),
                ("in_packets", Value::Int(997)),
                ("in_errors", Value::Int(1)),
                ("out_discards", Value::Int(2)),
                ("state", Value::text("up")),
            ];
            world.row(("s1", ts), "interface", "p2", MINUTE_MS, &p2);
        }
        // p1 of s2: 1000 bit/s both ways, and once more in the VLAN on it.
        let p1 = [
            ("in_octets", Value::Int(7500)),
            ("out_octets", Value::Int(7500)),
            ("state", Value::text("up")),
        ];
        world.row(("s2", ts), "interface", "p1", MINUTE_MS, &p1);
        world.row(("s2", ts), "interface", "vlan10", MINUTE_MS, &p1);
        // flap: ten minutes up, ten minutes down, and so on.
        let state = if (minute / 10) % 2 == 0 { "up" } else { "down" };
        let flap = [
            ("in_octets", Value::Int(0)),
            ("out_octets", Value::Int(0)),
            ("state", Value::text(state)),
        ];
        world.row(("s2", ts), "interface", "flap", MINUTE_MS, &flap);
    }
    world.save()
}

/// A hundred days from 2026-07-31 on, one row at noon each.
pub(super) fn quiet() -> World {
    let mut world = World::new(&[("s1", &["edge"])]);
    let start = at("2026-07-31T12:00:00Z");
    let told = [("alias", Value::text("spare"))];
    world.facts(("s1", start), "interface", "dead", &told);
    for day in 0..100 {
        let ports = [
            ("used", true, true),
            ("dead", true, false),
            // Something came through until the sixth day.
            ("stopped", true, day < 6),
            // New since the fifty-first day.
            ("young", day >= 50, false),
            // Gone since the eighty-first day.
            ("gone", day < 80, false),
            ("lo", true, false),
        ];
        for (name, there, busy) in ports {
            if !there {
                continue;
            }
            let octets = Value::Int(if busy { 1000 } else { 0 });
            let values = [
                ("in_octets", octets.clone()),
                ("out_octets", octets),
                ("state", Value::text(if busy { "up" } else { "down" })),
                ("admin_state", Value::text("up")),
            ];
            let ts = start + day * 86_400;
            world.row(("s1", ts), "interface", name, Some(86_400_000), &values);
        }
    }
    world.save()
}
