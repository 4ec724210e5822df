//! What the shipped profiles read of switches, printers and power supplies, on 2026-11-02; and the
//! list of sealed files.

use super::world::World;
use super::*;

pub(super) fn world() -> World {
    let mut world = World::new(&[
        ("sw1", &["net"]),
        ("sw2", &["net"]),
        ("prn", &["office"]),
        ("ups1", &[]),
        ("ups2", &[]),
    ]);
    let start = at("2026-11-02T00:00:00Z");
    let text = |words: &str| Value::text(words);
    // sw1 and sw2 are joined by Gi0/1 and xe1; a laptop is on Gi0/2 of sw1.
    for (host, port, index) in [("sw1", "Gi0/1", 1), ("sw1", "Gi0/2", 2), ("sw2", "xe1", 7)] {
        let told = [("if_index", Value::Int(index))];
        world.facts((host, start), "interface", port, &told);
        world.row((host, start), "interface", port, None, &[]);
    }
    for (ts, description) in [(start, "old"), (start + 300, "new")] {
        let told = [
            ("protocol", text("lldp")),
            ("local_port", text("Gi0/1")),
            ("remote_name", text("sw2")),
            ("remote_port", text("xe1")),
            ("remote_description", text(description)),
        ];
        world.row(("sw1", ts), "neighbor", "Gi0/1 > sw2 xe1", None, &told);
    }
    let phone = [
        ("protocol", text("cdp")),
        ("local_port", text("Gi0/2")),
        ("remote_id", text("phone7")),
    ];
    world.row(("sw1", start), "neighbor", "Gi0/2 > phone7", None, &phone);
    let laptop = "aa:bb:cc:dd:ee:01";
    let server = "aa:bb:cc:dd:ee:02";
    let at_port = |mac: &str, port: i64| {
        [
            ("mac", text(mac)),
            ("bridge_port", Value::Int(port)),
            ("if_index", Value::Int(port)),
            ("vlan", Value::Int(10)),
        ]
    };
    world.row(
        ("sw1", start),
        "mac_address",
        laptop,
        None,
        &at_port(laptop, 2),
    );
    world.row(
        ("sw1", start),
        "mac_address",
        server,
        None,
        &at_port(server, 1),
    );
    world.row(
        ("sw2", start),
        "mac_address",
        laptop,
        None,
        &at_port(laptop, 7),
    );
    world.row(
        ("sw2", start),
        "mac_address",
        server,
        None,
        &at_port(server, 9),
    );
    let ip = [("mac", text(laptop)), ("interface", text("vlan10"))];
    world.row(("sw2", start), "arp", "10.0.0.5", None, &ip);

    for (supply, kind, left, state) in [
        ("Black", "toner", Some(5.0), "low"),
        ("Cyan", "toner", Some(80.0), "ok"),
        ("Waste", "wasteToner", None, "some left"),
    ] {
        world.facts(
            ("prn", start),
            "printer_supply",
            supply,
            &[("type", text(kind))],
        );
        let left = left.map_or(Value::Null, Value::Float);
        let values = [("remaining_pct", left), ("state", text(state))];
        world.row(("prn", start), "printer_supply", supply, None, &values);
    }
    // ups1: one poll in four on battery, now on the mains; ups2: on battery now.
    for minute in 0..4 {
        let ts = start + minute * 60;
        for (host, on_battery) in [("ups1", minute == 1), ("ups2", minute == 3)] {
            let source = if on_battery { "battery" } else { "normal" };
            let values = [
                ("output_source", text(source)),
                ("battery_state", text("normal")),
                ("charge_pct", Value::Float((100 - minute) as f64)),
                ("load_pct", Value::Float(40.0)),
                ("runtime_left_s", Value::Int(1800)),
                ("temperature_c", Value::Float(25.0)),
            ];
            world.row((host, ts), "ups", "", None, &values);
        }
    }
    for (item, class, model, serial) in [
        ("Chassis", "chassis", "C9300-48P", "FOC1"),
        ("PSU A", "power supply", "PWR-C1", "LIT2"),
    ] {
        let told = [
            ("model", text(model)),
            ("serial", text(serial)),
            ("hardware_version", text("V02")),
        ];
        world.facts(("sw1", start), "inventory_item", item, &told);
        let values = [("class", text(class))];
        world.row(("sw1", start), "inventory_item", item, None, &values);
    }
    world
        .poll("sw1", start)
        .host_facts
        .push(("model", "switch".into()));
    world
        .poll("prn", start)
        .host_facts
        .push(("model", "LaserJet".into()));
    let world = world.save();
    sealed(&world);
    world
}

/// Two files of `cpu`, an hour and a day, one of `poll`.
fn sealed(world: &World) {
    let columns =
        "(table_name, tier, path, from_ts, to_ts, first_ts, last_ts, rows, bytes, schema)";
    let file = |table: &str, path: &str, from: &str, to: &str, rows: i64, bytes: i64| {
        format!(
            "('{table}', 'raw', '{path}', '{from}', '{to}', '{from}', '{to}', {rows}, {bytes}, 2)"
        )
    };
    let files = [
        file(
            "cpu",
            "a",
            "2026-11-01 00:00:00+00",
            "2026-11-02 00:00:00+00",
            1440,
            2400,
        ),
        file(
            "cpu",
            "b",
            "2026-11-02 00:00:00+00",
            "2026-11-02 01:00:00+00",
            60,
            100,
        ),
        file(
            "poll",
            "c",
            "2026-11-02 00:00:00+00",
            "2026-11-02 12:00:00+00",
            0,
            500,
        ),
    ];
    let sql = format!(
        "INSERT INTO raw.sealed_file {columns} VALUES {}",
        files.join(", ")
    );
    world.recorder.connection.execute_batch(&sql).unwrap();
}
