//! /proc/PID/stat and /proc/PID/status.

use std::collections::HashMap;

use super::{Report, cpu, lines};
use crate::machine::Process;
use crate::reading::Row;

/// What a host tells about its processes.
#[derive(Debug)]
pub(in crate::collect) struct Processes {
    pub(in crate::collect) rows: Vec<Row>,
    pub(in crate::collect) states: Vec<char>,
    /// Process 1 is among them, and so are all others.
    pub(in crate::collect) complete: bool,
}

/// Every process that is to be seen. `None` without a readable line.
pub(in crate::collect) fn all(report: &Report<'_>, memory_total: Option<u64>) -> Option<Processes> {
    let hz = report.get("hz").and_then(|t| t.trim().parse().ok());
    let hz = hz.filter(|h| (1..=100_000).contains(h)).unwrap_or(100);
    let boot = cpu::boot_time(report.get("stat"));
    let status = status(report.get("pstat").unwrap_or_default());
    let users = users(report.get("passwd").unwrap_or_default());
    let mut processes = Processes {
        rows: Vec::new(),
        states: Vec::new(),
        complete: false,
    };
    for line in lines(report.get("ps")?) {
        let Some(stat) = Stat::read(line) else {
            continue;
        };
        let told = status.get(&stat.pid);
        let uid = told.and_then(|s| s.uid);
        let user = uid.map(|uid| match users.get(&uid) {
            Some(name) => (*name).to_owned(),
            None => uid.to_string(),
        });
        let process = Process {
            pid: stat.pid,
            started: boot.and_then(|b| b.checked_add((stat.start_ticks / hz) as i64)),
            name: stat.name.to_owned(),
            user,
            state: stat.state,
            // Kernel threads and zombies have no memory of their own and no such line.
            rss_bytes: told.map(|s| s.rss_bytes.unwrap_or(0)),
            cpu_ms: u64::try_from(u128::from(stat.cpu_ticks) * 1000 / u128::from(hz)).ok(),
        };
        processes.complete |= stat.pid == 1;
        processes.states.push(stat.state);
        processes.rows.push(process.row(memory_total));
    }
    (!processes.rows.is_empty()).then_some(processes)
}

/// What is said when others' processes are hidden (/proc mounted with hidepid): the few that are seen
/// are not the host's. Process 1 is always another's, unless we are root and see all.
pub(in crate::collect) const HIDDEN: &str =
    "process 1 is not to be seen: /proc hides others' processes (hidepid), so none are counted";

struct Stat<'a> {
    pid: i64,
    name: &'a str,
    state: char,
    cpu_ticks: u64,
    start_ticks: u64,
}

impl<'a> Stat<'a> {
    /// `PID (NAME) STATE …`: the name may hold blanks and brackets, so its end is the last bracket.
    fn read(line: &'a str) -> Option<Stat<'a>> {
        let (pid, rest) = line.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().take(20).collect();
        let number = |at: usize| fields.get(at).and_then(|f| f.parse::<u64>().ok());
        let pid: i64 = pid.trim().parse().ok().filter(|p| *p > 0)?;
        let mut letters = fields.first()?.chars();
        let state = letters.next().filter(char::is_ascii_alphabetic)?;
        let lone = letters.next().is_none();
        // After the state: ppid is 1, utime 11, stime 12, starttime 19.
        let cpu_ticks = number(11)?.checked_add(number(12)?)?;
        lone.then_some(Stat {
            pid,
            name,
            state,
            cpu_ticks,
            start_ticks: number(19).filter(|t| *t <= i64::MAX as u64)?,
        })
    }
}

#[derive(Default)]
struct Status {
    /// The effective one, as ps shows.
    uid: Option<u32>,
    rss_bytes: Option<u64>,
}

/// Lines `/proc/PID/status:Uid:\t0\t0\t0\t0` and `/proc/PID/status:VmRSS:\t 12 kB`.
fn status(text: &str) -> HashMap<i64, Status> {
    let mut found: HashMap<i64, Status> = HashMap::new();
    for line in lines(text) {
        let mut parts = line.splitn(3, ':');
        let (Some(path), Some(key), Some(value)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let pid = path
            .strip_prefix("/proc/")
            .and_then(|p| p.strip_suffix("/status"))
            .and_then(|p| p.parse().ok());
        let Some(pid) = pid else {
            continue;
        };
        let mut words = value.split_ascii_whitespace();
        let status = found.entry(pid).or_default();
        match key {
            "Uid" => status.uid = words.nth(1).and_then(|w| w.parse().ok()),
            "VmRSS" => {
                let kib: Option<u64> = words.next().and_then(|w| w.parse().ok());
                status.rss_bytes = kib.and_then(|k| k.checked_mul(1024));
            }
            _ => {}
        }
    }
    found
}

/// Lines `name:uid`. The first name of a number is its name.
fn users(passwd: &str) -> HashMap<u32, &str> {
    let mut names = HashMap::new();
    for line in lines(passwd) {
        if let Some((name, uid)) = line.split_once(':')
            && let Ok(uid) = uid.trim().parse()
        {
            names.entry(uid).or_insert(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Value;
    use crate::table::PROCESS;

    fn stat_line(pid: u32, name: &str, state: &str) -> String {
        format!(
            "{pid} ({name}) {state} 1 1 1 0 -1 4194560 0 0 0 0 150 50 0 0 20 0 1 0 1000 9999 100 18446744073709551615 1 1\n"
        )
    }

    fn report(ps: &str) -> Report<'static> {
        Report::of([
            ("ps", ps.to_owned()),
            ("stat", "cpu 1 2 3 4\nbtime 1700000000\n".to_owned()),
            ("hz", "100\n".to_owned()),
            (
                "pstat",
                "/proc/7/status:Uid:\t1000\t1001\t0\t0\n/proc/7/status:VmRSS:\t     512 kB\n/proc/8/status:Uid:\t0\t0\t0\t0\n".to_owned(),
            ),
            ("passwd", "root:0\nmonitor:1001\nalias:1001\n".to_owned()),
        ])
    }

    #[test]
    fn a_process_with_brackets_in_its_name() {
        let ps = stat_line(7, "a) S (b", "D") + &stat_line(8, "kthreadd", "I");
        let found = all(&report(&ps), Some(1024 * 1024)).unwrap();
        assert_eq!(found.states, ['D', 'I']);
        let at = |row: usize, name: &str| {
            found.rows[row].values[PROCESS.position(name).unwrap()].clone()
        };
        assert_eq!(at(0, "name"), Value::text("a) S (b"));
        assert_eq!(at(0, "user_name"), Value::text("monitor"));
        assert_eq!(at(0, "cpu_ms"), Value::Counter64(2000));
        assert_eq!(at(0, "started"), Value::Int(1_700_000_010));
        assert_eq!(at(0, "rss_bytes"), Value::Int(512 * 1024));
        assert_eq!(at(0, "mem_pct"), Value::Float(50.0));
        assert_eq!(at(1, "user_name"), Value::text("root"));
        assert_eq!(at(1, "rss_bytes"), Value::Int(0));
    }

    #[test]
    fn a_host_that_hides_processes_shows_no_first_one() {
        let ps = stat_line(7, "sh", "S");
        assert!(!all(&report(&ps), None).unwrap().complete);
        let ps = stat_line(1, "init", "S") + &ps;
        assert!(all(&report(&ps), None).unwrap().complete);
    }

    #[test]
    fn half_lines_are_passed_over() {
        for bad in [
            "",
            "7",
            "7 (a",
            "7 (a) ",
            "7 (a) S 1 2",
            "x (a) S",
            "-1 (a) S 1",
        ] {
            assert!(all(&report(bad), None).is_none(), "{bad:?}");
        }
    }
}
