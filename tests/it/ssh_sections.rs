//! The parts of the probe: what hangs costs its part and nothing else.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use eider::collect::ssh::Pool;
use eider::reading::Readings;

use crate::ssh::{good, of, poll, rows, trust};
use crate::support::Sshd;

/// An sshd whose users find these commands before the system's own.
fn with_commands(folder: &Path, commands: &[(&str, &str)]) -> Sshd {
    for (name, script) in commands {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writable");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("ours");
    }
    let folder = folder.display();
    Sshd::start_with(&format!(
        "ForceCommand sed 's|^PATH=|PATH={folder}:|' | /bin/sh -s"
    ))
}

async fn polled(commands: &[(&str, &str)]) -> Readings {
    let folder = tempfile::tempdir().expect("writable");
    let state = tempfile::tempdir().expect("writable");
    let sshd = with_commands(folder.path(), commands);
    trust(state.path(), &sshd);
    let pool = Pool::start(state.path());
    let readings = good(&pool, &of(&sshd)).await;
    // The next poll is good too, on the same session or on a new one.
    poll(&pool, &of(&sshd)).await.1.expect("the second poll");
    readings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_mount_costs_its_section_and_nothing_else() {
    // The first is killed; the second leaves a child behind that keeps the output open.
    for script in ["trap '' TERM; exec sleep 60", "sleep 20; echo late"] {
        let hangs = format!("case \"$*\" in *' /') exit 0;; esac\n{script}");
        let readings = polled(&[("df", &hangs)]).await;
        for problem in ["df: no answer within 5 s", "df -i: no answer within 5 s"] {
            assert!(
                readings.problems.contains(&problem.to_owned()),
                "{:?}",
                readings.problems
            );
        }
        assert!(rows(&readings, "filesystem").is_empty());
        for table in [
            "system",
            "cpu",
            "memory",
            "disk",
            "interface",
            "process",
            "process_state",
        ] {
            assert!(
                !rows(&readings, table).is_empty(),
                "{table} after: {script}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_installed_is_no_data() {
    let missing = [
        ("who", "exit 127"),
        ("awk", "exit 127"),
        ("date", "exit 127"),
    ];
    let readings = polled(&missing).await;
    assert_eq!(readings.problems, Vec::<String>::new());
    assert!(rows(&readings, "tcp_state").is_empty());
    let system = &rows(&readings, "system")[0];
    for column in ["users", "clock_offset_s"] {
        let position = eider::table::SYSTEM.position(column).unwrap();
        assert!(system.values[position].is_null(), "{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_an_hour_off_is_told() {
    let date = "exec /bin/date -d '+1 hour' \"$@\"";
    let readings = polled(&[("date", date)]).await;
    let position = eider::table::SYSTEM.position("clock_offset_s").unwrap();
    let eider::reading::Value::Float(offset) = rows(&readings, "system")[0].values[position] else {
        panic!("no offset");
    };
    assert!((3_590.0..3_610.0).contains(&offset), "{offset}");
}
