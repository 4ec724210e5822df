//! The kernel's own files, in the sections of the SSH probe, so that one parser reads both.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::collect::linux::Report;

/// No file of the kernel that we read is longer.
const FILE_MAX: u64 = 4 * 1024 * 1024;

const FILES: &[(&str, &str)] = &[
    ("stat", "/proc/stat"),
    ("loadavg", "/proc/loadavg"),
    ("uptime", "/proc/uptime"),
    ("meminfo", "/proc/meminfo"),
    ("arc", "/proc/spl/kstat/zfs/arcstats"),
    ("net/dev", "/proc/net/dev"),
    ("diskstats", "/proc/diskstats"),
    ("mounts", "/proc/mounts"),
    ("boot_id", "/proc/sys/kernel/random/boot_id"),
    ("os", "/etc/os-release"),
];

/// What of a network device lies in files of its own.
const NET_FILES: &[&str] = &[
    "operstate",
    "speed",
    "address",
    "mtu",
    "type",
    "ifindex",
    "ifalias",
    "flags",
];

/// Every file that there is; on other systems than Linux, nothing.
pub(super) fn report() -> Report<'static> {
    if !cfg!(target_os = "linux") {
        return Report::default();
    }
    let mut sections: Vec<(&'static str, String)> = FILES
        .iter()
        .filter_map(|(section, path)| Some((*section, read(path)?)))
        .collect();
    sections.push(("block", names("/sys/block").join("\n")));
    sections.push(("net", net()));
    sections.push(("who", who().unwrap_or_default()));
    Report::of(sections)
}

fn read(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn names(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
    names.collect()
}

fn net() -> String {
    let mut text = String::new();
    for name in names("/sys/class/net") {
        for file in NET_FILES {
            let path = format!("/sys/class/net/{name}/{file}");
            if let Some(value) = read(&path) {
                let first = value.lines().next().unwrap_or_default();
                text.push_str(&format!("{path}:{first}\n"));
            }
        }
    }
    text
}

/// Sessions as `who` lists them: where they are kept differs from system to system, and `who` knows.
fn who() -> Option<String> {
    let output = Command::new("who")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|o| o.status.success())?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str("\nok\n");
    Some(text)
}
