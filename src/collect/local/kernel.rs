//! The kernel's own files, in the sections of the SSH probe, so that one parser reads both.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::collect::linux::{Report, tcp};

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
    ("mdstat", "/proc/mdstat"),
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
    sections.push(("cgroup", all_lines(&CGROUP_FILES.map(str::to_owned))));
    sections.push(("dmi", all_lines(&DMI_FILES.map(str::to_owned))));
    sections.push(("sensor", all_lines(&sensor_files())));
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(read)
        .collect();
    sections.push(("tcp", tcp::count(&sockets)));
    sections.push(("notes", "tcp 0\n".to_owned()));
    let exists = |path: &str| fs::exists(path).unwrap_or(false);
    if exists("/etc/debian_version") {
        let waits = u8::from(exists("/var/run/reboot-required"));
        sections.push(("reboot", waits.to_string()));
    }
    if exists("/run/systemd/system") {
        sections.push(("units", units().unwrap_or_default()));
    }
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

const CGROUP_FILES: [&str; 6] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory.stat",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    "/sys/fs/cgroup/memory/memory.stat",
];

const DMI_FILES: [&str; 5] = [
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/product_serial",
    "/proc/device-tree/model",
    "/proc/device-tree/serial-number",
];

/// The files' lines as `PATH:LINE`, as grep -H prints them.
fn all_lines(paths: &[String]) -> String {
    let mut text = String::new();
    for path in paths {
        for line in read(path).unwrap_or_default().lines() {
            text.push_str(&format!("{path}:{line}\n"));
        }
    }
    text
}

fn sensor_files() -> Vec<String> {
    let mut files = Vec::new();
    for chip in names("/sys/class/hwmon") {
        for directory in ["", "/device"] {
            let directory = format!("/sys/class/hwmon/{chip}{directory}");
            let mut inside = names(&directory);
            inside.sort();
            let wanted = inside.iter().filter(|f| *f == "name" || f.contains('_'));
            files.extend(wanted.map(|f| format!("{directory}/{f}")));
        }
    }
    for zone in names("/sys/class/thermal") {
        if zone.starts_with("thermal_zone") {
            files.extend(["type", "temp"].map(|f| format!("/sys/class/thermal/{zone}/{f}")));
        }
    }
    files
}

fn units() -> Option<String> {
    let mut command = Command::new("systemctl");
    command.args([
        "list-units",
        "--all",
        "--type=service",
        "--no-legend",
        "--no-pager",
    ]);
    output(command.args(["--plain", "--full"]))
}

/// Sessions as `who` lists them: where they are kept differs from system to system, and `who` knows.
fn who() -> Option<String> {
    let mut text = output(&mut Command::new("who"))?;
    text.push_str("\nok\n");
    Some(text)
}

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
