//! Devices of other kinds: what they offer lands in the same columns.

use super::*;
use crate::table::{CPU, DISK, FILESYSTEM, MEMORY, PROCESS, PROCESS_STATE, SYSTEM, Table};

const STORAGE: [u32; 10] = [1, 3, 6, 1, 2, 1, 25, 2, 3, 1];
const UCD: [u32; 7] = [1, 3, 6, 1, 4, 1, 2021];

fn put(mib: &mut Mib, name: &[u32], tag: u8, content: impl Into<Vec<u8>>) {
    mib.insert(name.to_vec(), (tag, content.into()));
}

fn storage(
    mib: &mut Mib,
    index: u32,
    kind: u32,
    description: &str,
    units: u32,
    size: i32,
    used: i32,
) {
    let kind = super::super::testing::oid(&[1, 3, 6, 1, 2, 1, 25, 2, 1, kind]);
    put(mib, &at(&STORAGE, 2, index), 0x06, kind);
    put(mib, &at(&STORAGE, 3, index), 0x04, description);
    put(mib, &at(&STORAGE, 4, index), 0x02, number(units));
    put(mib, &at(&STORAGE, 5, index), 0x02, size.to_be_bytes());
    put(mib, &at(&STORAGE, 6, index), 0x02, used.to_be_bytes());
}

fn rows<'a>(readings: &'a Readings, table: &'static Table) -> &'a [Row] {
    let found = readings.tables.iter().find(|t| t.table == table);
    found.map_or(&[], |t| &t.rows)
}

/// The named cells of a row.
fn cells<const N: usize>(row: &Row, table: &'static Table, columns: [&str; N]) -> [Value; N] {
    columns.map(|c| row.values[table.position(c).unwrap()].clone())
}

fn entities<'a>(readings: &'a Readings, table: &'static Table) -> Vec<&'a str> {
    let rows = rows(readings, table).iter();
    rows.map(|r| &*r.entity.as_ref().unwrap().name).collect()
}

/// HOST-RESOURCES-MIB only, as Windows has it.
fn windows() -> Mib {
    let mut mib = Mib::new();
    put(
        &mut mib,
        &[1, 3, 6, 1, 2, 1, 1, 3, 0],
        0x43,
        number(1_000_000),
    );
    put(
        &mut mib,
        &[1, 3, 6, 1, 2, 1, 25, 1, 1, 0],
        0x43,
        number(8_640_000),
    );
    put(&mut mib, &[1, 3, 6, 1, 2, 1, 25, 1, 6, 0], 0x42, number(2));
    for (cpu, load) in [(3, 20), (4, 40)] {
        put(
            &mut mib,
            &[1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 1, cpu],
            0x06,
            [0],
        );
        put(
            &mut mib,
            &[1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2, cpu],
            0x02,
            [load],
        );
    }
    storage(
        &mut mib,
        1,
        4,
        "C:\\ Label:System  Serial Number 1a2b",
        4096,
        1_000,
        250,
    );
    // 12 TB in units of 4 kB do not fit in 31 bits.
    storage(
        &mut mib,
        2,
        4,
        "D:\\ Label:  Serial Number 3c4d",
        4096,
        -1_073_741_824,
        0x4000_0000,
    );
    storage(&mut mib, 3, 7, "E:\\", 0, 0, 0);
    storage(&mut mib, 4, 3, "Virtual Memory", 65_536, 200, 100);
    storage(&mut mib, 5, 2, "Physical Memory", 65_536, 100, 60);
    for (pid, name, status) in [(4, "System", 1), (900, "svchost.exe", 2)] {
        put(
            &mut mib,
            &[1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 2, pid],
            0x04,
            name,
        );
        put(
            &mut mib,
            &[1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 7, pid],
            0x02,
            [status],
        );
        put(
            &mut mib,
            &[1, 3, 6, 1, 2, 1, 25, 5, 1, 1, 1, pid],
            0x02,
            [7],
        );
        put(
            &mut mib,
            &[1, 3, 6, 1, 2, 1, 25, 5, 1, 1, 2, pid],
            0x02,
            [0, 200],
        );
    }
    mib
}

#[tokio::test]
async fn windows_by_host_resources_alone() {
    for version in [SnmpVersion::V1, SnmpVersion::V2c] {
        let scene = Scene::of(windows(), version).await;
        let readings = scene.poll().await.unwrap();
        assert_eq!(readings.problems, Vec::<String>::new());
        let [system] = rows(&readings, &SYSTEM) else {
            panic!()
        };
        assert_eq!(
            cells(system, &SYSTEM, ["uptime_s", "processes"]),
            [Value::Int(86_400), Value::Int(2)]
        );
        let [cpu] = rows(&readings, &CPU) else {
            panic!()
        };
        assert_eq!(
            cells(cpu, &CPU, ["used_pct", "cores", "formula"]),
            [
                Value::Float(30.0),
                Value::Int(2),
                Value::text("hrProcessorLoad")
            ]
        );
        let [memory] = rows(&readings, &MEMORY) else {
            panic!()
        };
        assert_eq!(
            cells(
                memory,
                &MEMORY,
                ["total_bytes", "used_bytes", "used_pct", "formula"]
            ),
            [
                Value::Int(6_553_600),
                Value::Int(3_932_160),
                Value::Float(60.0),
                Value::text("hrStorage")
            ]
        );
        assert_eq!(entities(&readings, &FILESYSTEM), ["C:\\", "D:\\"]);
        let drives = rows(&readings, &FILESYSTEM);
        assert_eq!(
            cells(
                &drives[0],
                &FILESYSTEM,
                ["size_bytes", "used_pct", "free_bytes"]
            ),
            [Value::Int(4_096_000), Value::Float(25.0), Value::Null]
        );
        let size = 3_221_225_472_i64 * 4096;
        assert_eq!(
            cells(&drives[1], &FILESYSTEM, ["size_bytes", "used_pct"]),
            [Value::Int(size), Value::Float(100.0 / 3.0)]
        );
        let [states] = rows(&readings, &PROCESS_STATE) else {
            panic!()
        };
        assert_eq!(
            cells(
                states,
                &PROCESS_STATE,
                ["total", "running", "sleeping", "zombie", "stopped"]
            ),
            [
                Value::Int(2),
                Value::Int(1),
                Value::Int(1),
                Value::Int(0),
                Value::Null
            ]
        );
        let process = &rows(&readings, &PROCESS)[1];
        assert_eq!(
            cells(
                process,
                &PROCESS,
                ["pid", "name", "state", "rss_bytes", "cpu_ms"]
            ),
            [
                Value::Int(900),
                Value::text("svchost.exe"),
                Value::text("S"),
                Value::Int(204_800),
                Value::Counter64(70)
            ]
        );
    }
}

#[tokio::test]
async fn what_is_not_offered_is_asked_for_once() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.poll().await.unwrap();
    scene.agent.requests();
    scene.poll().await.unwrap();
    let requests = scene.agent.requests();
    assert!(
        requests.iter().all(|r| r.kind == MessageType::GetRequest),
        "no walks"
    );
    let ports = |name: &&Vec<u32>| name.starts_with(&IF) || name.starts_with(&IFX);
    let others = requests.iter().flat_map(|r| &r.names).filter(|n| !ports(n));
    assert_eq!(others.count(), 2, "sysUpTime and ifNumber");
}

#[tokio::test]
async fn counters_that_never_count_give_way_to_those_that_do() {
    let mut mib = switch();
    put(&mut mib, &at(&IFX, 6, 2), 0x46, [0]);
    mib.retain(|name, _| !(name.starts_with(&IFX) && name.last() == Some(&3)));
    let scene = Scene::of(mib, SnmpVersion::V2c).await;
    let readings = scene.poll().await.unwrap();
    assert_eq!(
        entities(&readings, &INTERFACE),
        ["Gi1", "Gi2", "Gigabit 3", "Gi4", "Gi5"]
    );
    let octets: Vec<Value> = ports(&readings)
        .iter()
        .map(|r| r.values[INTERFACE.position("in_octets").unwrap()].clone())
        .collect();
    assert_eq!(octets[0], Value::Counter64(1_106));
    assert_eq!(
        octets[1],
        Value::Counter32(2_010),
        "the 64 bits stand still"
    );
    assert_eq!(octets[2], Value::Counter32(3_010), "no ifXTable");
}

/// dskTable knows what root keeps for itself, and sizes over 2 TB in two halves.
#[tokio::test]
async fn net_snmp_completes_its_file_systems() {
    let mut mib = windows();
    storage(&mut mib, 6, 4, "/data", 4096, 1_000_000, 500_000);
    storage(&mut mib, 7, 4, "/dev/shm", 4096, 1_000, 1);
    let disk = |column: u32| [&UCD[..], &[9, 1, column, 1]].concat();
    put(&mut mib, &disk(2), 0x04, "/data");
    put(&mut mib, &disk(3), 0x04, "/dev/sdb1");
    put(&mut mib, &disk(6), 0x02, [0x7f, 0xff, 0xff, 0xff]);
    put(&mut mib, &disk(10), 0x02, [9]);
    let halves = [(11, 1, 0), (13, 400_000_000, 0), (15, 1_600_000_000, 0)];
    for (column, low, high) in halves {
        put(&mut mib, &disk(column), 0x42, number(low));
        put(&mut mib, &disk(column + 1), 0x42, number(high));
    }
    put(&mut mib, &disk(12), 0x42, number(1));
    for (index, name) in [(1, "sda"), (2, "sda1"), (3, "loop0")] {
        let io = |column: u32| [&UCD[..], &[13, 15, 1, 1, column, index]].concat();
        put(&mut mib, &io(2), 0x04, name);
        put(&mut mib, &io(5), 0x41, number(7));
        put(&mut mib, &io(3), 0x41, number(8));
        put(&mut mib, &io(12), 0x46, number(9));
        put(&mut mib, &io(14), 0x46, number(2_500));
    }
    let scene = Scene::of(mib, SnmpVersion::V2c).await;
    let readings = scene.poll().await.unwrap();
    assert_eq!(entities(&readings, &FILESYSTEM), ["C:\\", "D:\\", "/data"]);
    let data = &rows(&readings, &FILESYSTEM)[2];
    assert_eq!(
        cells(
            data,
            &FILESYSTEM,
            ["size_bytes", "free_bytes", "used_pct", "inodes_used_pct"]
        ),
        [
            Value::Int(((1 << 32) + 1) * 1_024),
            Value::Int(400_000_000 * 1_024),
            Value::Float(80.0),
            Value::Float(9.0)
        ]
    );
    assert_eq!(data.facts[0], Value::text("/dev/sdb1"));
    assert_eq!(entities(&readings, &DISK), ["sda"]);
    assert_eq!(
        cells(
            &rows(&readings, &DISK)[0],
            &DISK,
            ["read_bytes", "reads", "busy_ms"]
        ),
        [
            Value::Counter64(9),
            Value::Counter32(7),
            Value::Counter64(2)
        ]
    );
}
