//! Ten minutes of polls from 2026-11-02T00:00Z on, and a reboot.

use super::world::World;
use super::*;
use crate::alert::said::Downtime;

pub(super) fn world() -> World {
    let mut world = World::new(&[
        ("a", &["web", "all"]),
        ("b", &["db", "all"]),
        ("c", &["db", "all"]),
        ("d", &["planned"]),
        ("e", &["planned"]),
    ]);
    let start = at("2026-11-02T00:00:00Z");
    let fail = |poll: &mut Stored| {
        poll.poll.failure = Some(Failure::new(Cause::Timeout, "no answer on tcp/22 (15 s)"));
    };
    // a: by SSH every minute, minutes 3 to 5 bad, minute m took 10 (m + 1) ms and stored m rows; by
    // SNMP good in minute 4 only, 500 ms and 2 retries each.
    for minute in 0..10 {
        let ts = start + minute * 60;
        let ssh = world.poll("a", ts);
        ssh.poll.took_ms = 10 * (minute + 1);
        ssh.poll.rows = minute;
        if (3..6).contains(&minute) {
            fail(ssh);
        }
        let snmp = world.poll_by("a", ts, Method::Snmp);
        snmp.poll.took_ms = 500;
        snmp.poll.effort.retries = 2;
        if minute != 4 {
            fail(snmp);
        }
        // d: bad from minute 2 to minute 7.
        let d = world.poll("d", ts);
        if (2..8).contains(&minute) {
            fail(d);
        }
        // e: good for five minutes, then not polled any more.
        if minute < 5 {
            world.poll("e", ts);
        }
    }
    // b: good for 3 minutes, then nothing is polled for 5, then good for 2.
    for minute in [0, 1, 2, 8, 9] {
        world.poll("b", start + minute * 60);
    }
    // a was up for 1000 s in minute 2 and for 30 s in minute 6; d rebooted twice.
    world.row(
        ("a", start + 120),
        "system",
        "",
        None,
        &[("uptime_s", Value::Int(1000))],
    );
    world.row(
        ("a", start + 360),
        "system",
        "",
        None,
        &[("uptime_s", Value::Int(30))],
    );
    world.event(("a", start + 360), "reboot", "", "up for 30 s only");
    world.event(("d", start + 240), "reboot", "", "first");
    world.event(("d", start + 540), "reboot", "", "second");
    let mut world = world.save();
    let planned = |host: &str, from: i64, to: Option<i64>| Downtime {
        host: host.into(),
        from: start + from * 60,
        to: to.map(|to| start + to * 60),
        reason: "new disks".into(),
        by: "anna".into(),
        said_at: start,
    };
    world
        .recorder
        .save_downtime(&planned("d", 3, Some(6)))
        .unwrap();
    world
        .recorder
        .save_downtime(&planned("e", 5, None))
        .unwrap();
    world
}
