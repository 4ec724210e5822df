//! The host as a whole: uptime, load, sessions, what it is.

use sha2::{Digest, Sha256};

use super::{Report, lines};
use crate::machine::{System, clean};
use crate::reading::Uptime;

/// A hundred years: what is beyond is not an uptime.
const UPTIME_MAX_S: f64 = 3.2e9;

/// Milliseconds since boot, with the boot id's hash, which proves a restart.
pub(in crate::collect) fn uptime(report: &Report<'_>) -> Option<Uptime> {
    let seconds = seconds(report)?;
    Some(Uptime {
        ms: (seconds * 1000.0) as u64,
        wraps: false,
        boot: report.get("boot_id").map_or(0, |id| hash(id.trim())),
    })
}

/// Uptime, load and sessions; the processes are counted elsewhere.
pub(in crate::collect) fn system(report: &Report<'_>) -> System {
    System {
        uptime_s: seconds(report).map(|s| s as i64),
        load: report.get("loadavg").and_then(load),
        processes: None,
        users: sessions(report),
        reboot_required: match report.get("reboot").map(str::trim) {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        },
    }
}

/// All threads, from `running/all` in /proc/loadavg.
pub(in crate::collect) fn threads(report: &Report<'_>) -> Option<i64> {
    let word = report.get("loadavg")?.split_ascii_whitespace().nth(3)?;
    word.split_once('/')?.1.parse().ok().filter(|n| *n >= 0)
}

/// Facts by the names of [`crate::table::HOST_FACTS`].
pub(in crate::collect) fn facts(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &'static str, value: Option<&str>| {
        let value = value.map(clean).filter(|v| !v.is_empty());
        facts.extend(value.map(|v| (name, v)));
    };
    let os = report.get("os").and_then(|text| {
        let line = lines(text).find_map(|l| l.strip_prefix("PRETTY_NAME="));
        // A release file of before os-release is the name alone.
        let alone = || lines(text).next().filter(|l| !l.contains('='));
        Some(line.or_else(alone)?.trim().trim_matches(['"', '\'']))
    });
    add("os", os);
    // uname -snrm, then uname -a
    let mut uname = lines(report.get("uname").unwrap_or_default());
    let short: Vec<&str> = uname
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    add("sys_descr", uname.next());
    if let [_, name, release, machine] = short.as_slice() {
        add("sys_name", Some(name));
        add("kernel", Some(release));
        add("arch", Some(machine));
    }
    let model = report.get("cpuinfo").and_then(|t| lines(t).next());
    add("cpu_model", model.and_then(|l| Some(l.split_once(':')?.1)));
    let dmi = |file: &str| {
        let line = lines(report.get("dmi")?).find_map(|l| l.strip_prefix(file)?.strip_prefix(':'));
        // What makers leave in the field when they fill in nothing.
        let value = line?.trim_matches([' ', '\t', '\0']);
        let empty = [
            "To Be Filled By O.E.M.",
            "Default string",
            "Not Specified",
            "None",
            "0",
        ];
        let told = !empty.iter().any(|e| e.eq_ignore_ascii_case(value));
        told.then_some(value)
    };
    let product = dmi("/sys/class/dmi/id/product_name").or_else(|| dmi("/proc/device-tree/model"));
    let vendor = dmi("/sys/class/dmi/id/sys_vendor");
    let model = match (vendor, product) {
        (Some(vendor), Some(product)) if !product.starts_with(vendor) => {
            Some(format!("{vendor} {product}"))
        }
        (_, product) => product.map(str::to_owned),
    };
    add("model", model.as_deref());
    let serial = dmi("/sys/class/dmi/id/product_serial");
    add(
        "serial",
        serial.or_else(|| dmi("/proc/device-tree/serial-number")),
    );
    facts
}

/// The sections with a limit of their own on the host, and what they ask.
const LIMITED: [(&str, &str); 9] = [
    ("who", "who"),
    ("net", "/sys/class/net"),
    ("tcp", "/proc/net/tcp"),
    ("sensor", "/sys/class/hwmon"),
    ("units", "systemctl"),
    ("df", "df"),
    ("dfi", "df -i"),
    ("ps", "/proc/PID/stat"),
    ("pstat", "/proc/PID/status"),
];

/// What the probe itself says went wrong, in words.
pub(in crate::collect) fn notes(report: &Report<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for (section, command) in LIMITED {
        if matches!(report.exit(section), Some(137 | 124)) {
            problems.push(format!("{command}: no answer within 5 s"));
        }
    }
    if report
        .exit("units")
        .is_some_and(|code| !matches!(code, 0 | 137))
    {
        problems.push("systemctl: no data".to_owned());
    }
    problems
}

/// A number of a boot id's text, never 0 (which means unknown).
pub(in crate::collect) fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    let first = digest
        .iter()
        .take(8)
        .fold(0u64, |n, b| (n << 8) | u64::from(*b));
    first.max(1)
}

fn seconds(report: &Report<'_>) -> Option<f64> {
    let word = report.get("uptime")?.split_ascii_whitespace().next()?;
    let seconds: f64 = word.parse().ok()?;
    (0.0..UPTIME_MAX_S).contains(&seconds).then_some(seconds)
}

fn load(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace();
    let mut load = [0.0; 3];
    for value in &mut load {
        *value = words.next()?.parse().ok()?;
        if !(0.0..1e9).contains(value) {
            return None;
        }
    }
    Some(load)
}

/// The lines of who; an empty list is a zero only when who is there and ended well.
fn sessions(report: &Report<'_>) -> Option<i64> {
    let told = lines(report.get("who").unwrap_or_default());
    let mut all: Vec<&str> = told.filter(|l| !l.trim().is_empty()).collect();
    // Probes before there were notes of it end the list so.
    if all.last().is_some_and(|last| last.trim() == "ok") {
        all.pop();
    } else if report.exit("who") != Some(0) {
        return None;
    }
    Some(all.len() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_load_and_sessions() {
        let report = Report::of([
            ("uptime", "12345.67 999.0\n".to_owned()),
            ("loadavg", "0.10 0.20 0.30 2/345 6789\n".to_owned()),
            ("who", "root pts/0 2026\nok\n".to_owned()),
            ("boot_id", "a-b-c\n".to_owned()),
        ]);
        let found = system(&report);
        assert_eq!(found.uptime_s, Some(12345));
        assert_eq!(found.load, Some([0.1, 0.2, 0.3]));
        assert_eq!(found.users, Some(1));
        assert_eq!(threads(&report), Some(345));
        let uptime = uptime(&report).unwrap();
        assert_eq!((uptime.ms, uptime.boot), (12_345_670, hash("a-b-c")));
    }

    #[test]
    fn a_host_without_who_tells_no_sessions() {
        let told = |who: &str, notes: &str| {
            sessions(&Report::of([
                ("who", who.to_owned()),
                ("notes", notes.to_owned()),
            ]))
        };
        assert_eq!(told("ok\n", ""), Some(0));
        assert_eq!(told("root pts/0\n", ""), None);
        assert_eq!(told("", "who 127\n"), None);
        assert_eq!(told("", "who 0\n"), Some(0));
        assert_eq!(told("root pts/0\nmary pts/1\n", "df 0\nwho 0\n"), Some(2));
    }

    #[test]
    fn nonsense_is_no_uptime_and_no_load() {
        for bad in ["-1 2", "nan 1", "inf", "1e300", ""] {
            let report = Report::of([("uptime", bad.to_owned())]);
            assert_eq!(uptime(&report), None, "{bad:?}");
        }
        for bad in ["1 2", "1 2 nan", "-1 1 1", "a b c"] {
            assert_eq!(load(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_the_host_is() {
        let report = Report::of([
            ("os", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n".to_owned()),
            ("uname", "Linux web01 6.1.0-18-amd64 x86_64\nLinux web01 6.1.0-18-amd64 #1 SMP x86_64 GNU/Linux\n".to_owned()),
            ("cpuinfo", "model name\t: AMD EPYC 7763\n".to_owned()),
            ("dmi", "/sys/class/dmi/id/sys_vendor:Dell Inc.\n/sys/class/dmi/id/product_name:PowerEdge R640\n/sys/class/dmi/id/product_serial:To be filled by O.E.M.\n".to_owned()),
        ]);
        let facts = facts(&report);
        let get = |n: &str| facts.iter().find(|(k, _)| *k == n).map(|(_, v)| v.as_str());
        assert_eq!(get("os"), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(get("kernel"), Some("6.1.0-18-amd64"));
        assert_eq!(get("cpu_model"), Some("AMD EPYC 7763"));
        assert_eq!(get("sys_name"), Some("web01"));
        let whole = "Linux web01 6.1.0-18-amd64 #1 SMP x86_64 GNU/Linux";
        assert_eq!(get("sys_descr"), Some(whole));
        assert_eq!(get("model"), Some("Dell Inc. PowerEdge R640"));
        assert_eq!(get("serial"), None);
    }
}
