//! The shipped queries about load: CPU, memory, processes.

use super::shipped::{ask, three_hosts};
use super::*;

#[test]
fn top_cpu_memory_pressure_and_zombies_add_up() {
    let (store, mut recorder) = three_hosts();
    let [cpu, system, memory, process_state] =
        ["cpu", "system", "memory", "process_state"].map(|n| table::find(n).unwrap());
    let mut batch = Vec::new();
    for minute in 0..20_i64 {
        for id in 1..=2 {
            let number = |v: i64| Value::Int(v);
            let used = (minute + 1) as f64 * if id == 1 { 1.0 } else { 2.0 };
            let one = stored(id, T0 + minute * 60);
            let one = with_rows(
                one,
                cpu,
                vec![row(
                    cpu,
                    None,
                    None,
                    &[
                        (
                            "used_pct",
                            if minute == 0 {
                                Value::Null
                            } else {
                                Value::Float(used)
                            },
                        ),
                        ("iowait_pct", Value::Float(3.0)),
                        ("cores", number(4)),
                    ],
                )],
            );
            let one = with_rows(
                one,
                system,
                vec![row(system, None, None, &[("load1", Value::Float(6.0))])],
            );
            let one = with_rows(
                one,
                memory,
                vec![row(
                    memory,
                    None,
                    None,
                    &[
                        (
                            "used_pct",
                            Value::Float(50.0 + if minute == 7 && id == 1 { 40.0 } else { 0.0 }),
                        ),
                        ("available_bytes", number(1000 - minute * id as i64)),
                        ("total_bytes", number(2000)),
                        ("swap_used_bytes", number(minute * 10)),
                        ("swap_used_pct", Value::Float(minute as f64)),
                    ],
                )],
            );
            let zombies = if id == 1 {
                Value::Null
            } else {
                number(if minute >= 15 { 2 } else { 0 })
            };
            batch.push(with_rows(
                one,
                process_state,
                vec![row(process_state, None, None, &[("zombie", zombies)])],
            ));
        }
    }
    recorder.append(&batch).unwrap();
    let float = Cell::Float;

    // a: 2..20, mean 11, 95th percentile at 0.95 · 18 = 17.1, so 19.1; b twice that.
    let rows = ask(&store, "top_cpu", &[], 0, 1200);
    let want = |host, mean, p95, max| {
        vec![
            text(host),
            float(mean),
            float(p95),
            float(max),
            float(3.0),
            Cell::Null,
            Cell::Int(4),
            float(1.5),
        ]
    };
    assert_eq!(
        rows,
        [want("b", 22.0, 38.2, 40.0), want("a", 11.0, 19.1, 20.0)]
    );

    let rows = ask(&store, "memory_pressure", &[], 0, 1200);
    let a = vec![
        text("a"),
        float(50.0),
        float(52.0),
        float(90.0),
        Cell::Int(981),
        Cell::Int(2000),
        float(19.0),
        Cell::Int(190),
    ];
    assert_eq!(rows[0], a);
    assert_eq!(rows[1][4], Cell::Int(962));

    let rows = ask(&store, "zombies", &[], 0, 1200);
    let last = Cell::Time((T0 + 19 * 60) * 1_000_000);
    assert_eq!(
        rows,
        [vec![
            text("b"),
            Cell::Int(2),
            Cell::Int(2),
            float(25.0),
            last
        ]]
    );
    assert_eq!(
        ask(&store, "zombies", &[("least", "3")], 0, 1200),
        Vec::<Vec<Cell>>::new()
    );
}
