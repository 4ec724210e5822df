//! Streams cut anywhere, limits, and node_exporter's families as rows.

use super::*;
use crate::reading::{Row, Value};
use crate::table::{self, Table};
use proptest::prelude::*;

fn parse(text: &str) -> Exposition {
    let mut parser = Parser::default();
    parser.feed(text.as_bytes());
    parser.finish()
}

const TEXT: &str = "# HELP up Whether it is.\n# TYPE up gauge\nup{job=\"a\"} 1\r\nup{job=\"b\"} 0\n\nbad line here\nx 2.5";

#[test]
fn a_stream_may_be_cut_anywhere() {
    for size in 1..TEXT.len() {
        let mut parser = Parser::default();
        TEXT.as_bytes()
            .chunks(size)
            .for_each(|piece| parser.feed(piece));
        let found = parser.finish();
        assert_eq!(found.count, 3, "pieces of {size}");
        assert_eq!(found.get("up")[1].label("job"), "b");
        assert_eq!(found.value("x"), Some(2.5));
        assert_eq!(found.told, [(6, "the value is not a number")]);
        assert_eq!(found.problems(), ["line 6: the value is not a number"]);
    }
}

#[test]
fn what_is_beyond_the_limits_is_counted() {
    let text = format!("a{{l=\"{}\"}} 1\nb 2\n", "x".repeat(MAX_LINE));
    let found = parse(&text);
    assert_eq!((found.count, found.bad_lines), (1, 1));
    let mut parser = Parser::default();
    for _ in 0..MAX_SAMPLES + 7 {
        parser.feed(b"a 1\n");
    }
    let found = parser.finish();
    assert_eq!((found.count, found.dropped), (MAX_SAMPLES, 7));
    assert!(found.problems()[0].contains("7 were left out"));
}

#[test]
fn nothing_counts_behind_the_end_of_openmetrics() {
    let found = parse("a_total 1\n# EOF\nb 2\n");
    assert_eq!((found.count, found.bad_lines), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_octets_do_no_harm(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut parser = Parser::default();
        parser.feed(&octets);
        let found = parser.finish();
        node::readings(&found);
    }

    #[test]
    fn arbitrary_labels_come_back(value in "[^\n\r]{0,40}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        let found = parse(&format!("a{{l=\"{escaped}\"}} 1\n"));
        prop_assert_eq!(found.get("a")[0].label("l"), value);
    }
}

const NODE: &str = r#"
node_time_seconds 1.7900036005e+09
node_boot_time_seconds 1.79e+09
node_load1 0.5
node_load5 0.25
node_load15 0.125
node_cpu_seconds_total{cpu="0",mode="idle"} 100.25
node_cpu_seconds_total{cpu="0",mode="user"} 10.01
node_cpu_seconds_total{cpu="1",mode="idle"} 99.75
node_cpu_seconds_total{cpu="1",mode="user"} 5
node_cpu_guest_seconds_total{cpu="0",mode="user"} 3
node_memory_MemTotal_bytes 1.024e+06
node_memory_MemAvailable_bytes 614400
node_memory_Cached_bytes 1000
node_memory_Buffers_bytes 10
node_filesystem_size_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 1000
node_filesystem_free_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 550
node_filesystem_avail_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 450
node_filesystem_files{device="/dev/sda1",fstype="ext4",mountpoint="/"} 100
node_filesystem_files_free{device="/dev/sda1",fstype="ext4",mountpoint="/"} 75
node_filesystem_size_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/tmp"} 1000
node_disk_read_bytes_total{device="sda"} 1.048576e+06
node_disk_io_time_seconds_total{device="sda"} 1.234
node_disk_read_time_seconds_total{device="sda"} 1.5
node_disk_write_time_seconds_total{device="sda"} 0.25
node_disk_read_bytes_total{device="zram0"} 5
node_network_receive_bytes_total{device="eth0"} 5e+09
node_network_receive_bytes_total{device="lo"} 5
node_network_speed_bytes{device="eth0"} 1.25e+08
node_network_flags{device="eth0"} 4099
node_network_protocol_type{device="eth0"} 1
node_network_info{device="eth0",address="02:00:00:00:00:01",operstate="up",ifalias="uplink"} 1
node_hwmon_chip_names{chip="pci_1",chip_name="nvme"} 1
node_hwmon_chip_names{chip="pci_0",chip_name="nvme"} 1
node_hwmon_temp_celsius{chip="pci_0",sensor="temp1"} 40.5
node_hwmon_temp_celsius{chip="pci_1",sensor="temp1"} 90
node_hwmon_temp_crit_celsius{chip="pci_1",sensor="temp1"} 84.85
node_hwmon_sensor_label{chip="pci_1",sensor="temp1",label="Composite"} 1
node_systemd_unit_state{name="ssh.service",state="active",type="notify"} 1
node_systemd_unit_state{name="ssh.service",state="failed",type="notify"} 0
node_systemd_unit_state{name="bad.service",state="failed",type="simple"} 1
node_systemd_unit_state{name="x.mount",state="active",type=""} 1
node_processes_state{state="S"} 30
node_processes_state{state="Z"} 2
node_processes_threads 90
node_uname_info{nodename="web1",release="6.1.0",machine="x86_64"} 1
node_scrape_collector_success{collector="zfs"} 0
"#;

fn rows(of: &'static Table) -> Vec<Row> {
    let readings = node::readings(&parse(NODE));
    let found = readings.tables.into_iter().find(|t| t.table == of);
    found.unwrap_or_else(|| panic!("no {}", of.name)).rows
}

fn at(of: &'static Table, row: &Row, column: &str) -> Value {
    match of.position(column) {
        Some(place) => row.values[place].clone(),
        None => row.facts[of.fact_position(column).expect("a column")].clone(),
    }
}

#[test]
fn a_node_exporter_tells_about_the_machine() {
    let found = parse(NODE);
    assert!(node::is_node(&found));
    let readings = node::readings(&found);
    assert!(readings.problems.is_empty(), "{:?}", readings.problems);
    assert_eq!(readings.uptime.expect("told").ms, 3_600_500);
    assert!(readings.host_facts.contains(&("sys_name", "web1".into())));
    let cases: [(&'static Table, usize, &str, Value); 25] = [
        (&table::SYSTEM, 0, "uptime_s", Value::Int(3_600)),
        (&table::SYSTEM, 0, "load15", Value::Float(0.125)),
        (&table::CPU, 0, "idle", Value::Counter64(20_000)),
        (&table::CPU, 0, "user", Value::Counter64(1_501)),
        (&table::CPU, 0, "cores", Value::Int(2)),
        (&table::CPU_CORE, 1, "idle", Value::Counter64(9_975)),
        (&table::MEMORY, 0, "used_pct", Value::Float(40.0)),
        (&table::MEMORY, 0, "formula", Value::text("MemAvailable")),
        (&table::FILESYSTEM, 0, "used_bytes", Value::Int(450)),
        (&table::FILESYSTEM, 0, "used_pct", Value::Float(50.0)),
        (&table::FILESYSTEM, 0, "inodes_used", Value::Int(25)),
        (&table::FILESYSTEM, 0, "device", Value::text("/dev/sda1")),
        (&table::DISK, 0, "busy_ms", Value::Counter64(1_234)),
        (&table::DISK, 0, "wait_ms", Value::Counter64(1_750)),
        (
            &table::INTERFACE,
            0,
            "in_octets",
            Value::Counter64(5_000_000_000),
        ),
        (&table::INTERFACE, 0, "speed_bps", Value::Int(1_000_000_000)),
        (&table::INTERFACE, 0, "admin_state", Value::text("up")),
        (&table::INTERFACE, 0, "state", Value::text("up")),
        (&table::INTERFACE, 0, "type", Value::text("6")),
        (&table::SENSOR, 0, "state", Value::text("unknown")),
        (&table::SENSOR, 1, "state", Value::text("critical")),
        (&table::SERVICE, 0, "failed", Value::Bool(true)),
        (&table::SERVICE, 1, "state", Value::text("active")),
        (&table::PROCESS_STATE, 0, "zombie", Value::Int(2)),
        (&table::PROCESS_STATE, 0, "total", Value::Int(32)),
    ];
    for (of, row, column, wanted) in cases {
        let rows = rows(of);
        assert_eq!(at(of, &rows[row], column), wanted, "{}.{column}", of.name);
    }
    let names = |of| -> Vec<String> {
        let rows = rows(of).into_iter();
        rows.map(|row| row.entity.expect("named").name.clone())
            .collect()
    };
    assert_eq!(names(&table::FILESYSTEM), ["/"]);
    assert_eq!(names(&table::DISK), ["sda"]);
    assert_eq!(names(&table::INTERFACE), ["eth0"]);
    assert_eq!(names(&table::SENSOR), ["nvme/temp1", "nvme#2/Composite"]);
    assert_eq!(names(&table::SERVICE), ["bad.service", "ssh.service"]);
}

#[test]
fn other_exporters_are_no_node() {
    assert!(!node::is_node(&parse(
        "process_cpu_seconds_total 5\nup 1\n"
    )));
}
