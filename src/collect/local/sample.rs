//! From sysinfo and the kernel's files to rows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sysinfo::{
    CpuRefreshKind, Disks, MemoryRefreshKind, Networks, ProcessRefreshKind, ProcessStatus,
    ProcessesToUpdate, System, UpdateKind, Users,
};

use super::{kernel, mounts};
use crate::collect::linux::{self, Report};
use crate::machine::{
    self, Interface, Memory, Process, clean, counter, interface_state, is_noise_interface,
    states_row, table,
};
use crate::reading::{EntityKey, Readings, Row, Uptime, Value};
use crate::table::{CPU, DISK, FILESYSTEM, INTERFACE, MEMORY, PROCESS, PROCESS_STATE, SYSTEM};

/// Everything of sysinfo that is read.
pub(super) struct Sources {
    system: System,
    disks: Disks,
    networks: Networks,
    users: Users,
    users_read: Instant,
}

/// Names of users change seldom, and a directory service may be slow to list them.
const USERS_AGE_MAX: Duration = Duration::from_secs(600);

impl Sources {
    pub(super) fn open() -> Result<Sources, String> {
        let wrong = |error: sysinfo::Error| format!("this machine cannot be read: {error}");
        Ok(Sources {
            system: System::new().map_err(wrong)?,
            disks: Disks::new().map_err(wrong)?,
            networks: Networks::new().map_err(wrong)?,
            users: Users::new_with_refreshed_list().map_err(wrong)?,
            users_read: Instant::now(),
        })
    }

    pub(super) fn read(&mut self) -> Readings {
        self.refresh();
        let report = kernel::report();
        let memory = self.memory(&report);
        let processes = self.processes();
        let host = machine::System {
            uptime_s: seconds(System::uptime()),
            load: load(),
            processes: processes.as_ref().map(|p| p.len() as i64),
            ..linux::host::system(&report)
        };
        let threads = linux::host::threads(&report);
        let total = Some(memory.total);
        let mut problems = linux::host::notes(&report);
        let mut tables = vec![
            table(&SYSTEM, vec![host.row()]),
            table(&CPU, vec![self.cpu(&report)]),
            table(&MEMORY, vec![memory.row()]),
            table(
                &FILESYSTEM,
                mounts::all(&self.disks).iter().map(|m| m.row()).collect(),
            ),
            table(&DISK, self.disk_rows(&report)),
            table(&INTERFACE, self.interfaces(&report)),
        ];
        match processes {
            Some(processes) => {
                let states = processes.iter().map(|p| p.state);
                tables.push(table(&PROCESS_STATE, vec![states_row(states, threads)]));
                let rows = processes.iter().map(|p| p.row(total)).collect();
                tables.push(table(&PROCESS, rows));
            }
            None => problems.push(linux::process::HIDDEN.to_owned()),
        }
        tables.extend(linux::extras(&report));
        Readings {
            uptime: linux::host::uptime(&report).or_else(uptime),
            tables,
            host_facts: self.facts(&report),
            events: Vec::new(),
            problems,
        }
    }

    fn refresh(&mut self) {
        self.system
            .refresh_memory_specifics(MemoryRefreshKind::everything());
        self.system
            .refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing()
                .with_cpu()
                .with_memory()
                .with_user(UpdateKind::Always)
                .without_tasks(),
        );
        self.disks.refresh(true);
        self.networks.refresh(true);
        if self.users_read.elapsed() > USERS_AGE_MAX {
            self.users.refresh();
            self.users_read = Instant::now();
        }
    }

    /// Ticks where the kernel tells them: only they know waiting and stolen time, and a use since the
    /// previous collection. Elsewhere sysinfo's own share since the last refresh.
    fn cpu(&self, report: &Report<'_>) -> Row {
        let mut row = linux::cpu::row(report.get("stat")).unwrap_or_else(|| {
            let mut row = Row::new(&CPU, None);
            let used = f64::from(self.system.global_cpu_usage());
            let used = (used * 100.0).round() / 100.0;
            row.set(&CPU, "used_pct", Value::Float(used.clamp(0.0, 100.0)));
            row.set(&CPU, "formula", Value::text("sysinfo"));
            row
        });
        let cores = self.system.cpus().len() as i64;
        row.set(&CPU, "cores", (cores > 0).then_some(cores).into());
        row
    }

    fn memory(&self, report: &Report<'_>) -> Memory {
        let kernel = linux::memory::figures(report);
        Memory {
            // In a container, what it may use.
            total: match &kernel {
                Some(k) if k.formula == "cgroup" => k.total,
                _ => self.system.total_memory(),
            },
            // The kernel's figure as the SSH probe reads it: it may hold ZFS' cache as well.
            available: kernel
                .as_ref()
                .map_or_else(|| self.system.available_memory(), |k| k.available),
            buffers: kernel.as_ref().and_then(|k| k.buffers),
            cached: kernel.as_ref().and_then(|k| k.cached),
            arc: kernel.as_ref().and_then(|k| k.arc),
            swap_total: Some(self.system.total_swap()),
            swap_free: Some(self.system.free_swap()),
            formula: kernel.map_or("sysinfo", |k| k.formula),
        }
    }

    /// `None` where others' processes are hidden: without process 1 the rest is ours alone.
    fn processes(&self) -> Option<Vec<Process>> {
        let processes: Vec<Process> = self
            .system
            .processes()
            .values()
            .filter(|p| p.thread_kind() != Some(sysinfo::ThreadKind::Userland))
            .map(|p| Process {
                pid: i64::from(p.pid().as_u32()),
                started: seconds(Ok(p.start_time())),
                name: p.name().to_string_lossy().into_owned(),
                user: p.effective_user_id().or(p.user_id()).map(|uid| {
                    let user = self.users.get_user_by_id(uid);
                    user.map_or_else(|| uid.to_string(), |u| u.name().to_owned())
                }),
                state: letter(p.status()),
                rss_bytes: Some(p.memory()),
                cpu_ms: Some(p.accumulated_cpu_time()),
            })
            .collect();
        let complete = !cfg!(target_os = "linux") || processes.iter().any(|p| p.pid == 1);
        complete.then_some(processes)
    }

    fn disk_rows(&self, report: &Report<'_>) -> Vec<Row> {
        if let Some(rows) = linux::disk::rows(report) {
            return rows;
        }
        let devices: BTreeMap<String, sysinfo::DiskUsage> = self
            .disks
            .iter()
            .map(|d| (d.name().to_string_lossy().into_owned(), d.usage()))
            .collect();
        let row = |(name, usage): (String, sysinfo::DiskUsage)| {
            let mut row = Row::new(&DISK, Some(EntityKey::named(clean(&name))));
            row.set(&DISK, "read_bytes", counter(Some(usage.total_read_bytes)));
            row.set(
                &DISK,
                "write_bytes",
                counter(Some(usage.total_written_bytes)),
            );
            row
        };
        devices.into_iter().map(row).collect()
    }

    fn interfaces(&self, report: &Report<'_>) -> Vec<Row> {
        let (dev, sys) = (report.get("net/dev"), report.get("net"));
        let known = linux::interface::all(dev.unwrap_or_default(), sys.unwrap_or_default());
        let mut known: BTreeMap<String, Interface> =
            known.into_iter().map(|i| (i.name.clone(), i)).collect();
        for (name, told) in self.networks.iter() {
            let name = name.to_string_lossy().into_owned();
            let interface = known.entry(name.clone()).or_default();
            interface.name = name;
            interface.in_octets = Some(told.total_received());
            interface.out_octets = Some(told.total_transmitted());
            interface.in_packets = Some(told.total_packets_received());
            interface.out_packets = Some(told.total_packets_transmitted());
            interface.in_errors = Some(told.total_errors_on_received());
            interface.out_errors = Some(told.total_errors_on_transmitted());
            let mac = told.mac_address();
            if !mac.is_unspecified() {
                interface.mac = Some(mac.to_string());
            }
            interface.mtu = Some(told.mtu());
            let state = told.operational_state().to_string();
            interface.state = interface_state(&state).or(interface.state);
        }
        let wanted = known.values().filter(|i| !is_noise_interface(&i.name));
        wanted.map(Interface::row).collect()
    }

    /// The same words as over SSH: the name of the system is its own (PRETTY_NAME) where it has one.
    fn facts(&self, report: &Report<'_>) -> Vec<(&'static str, String)> {
        let mut own = linux::host::facts(report).into_iter();
        let mut fact = |wanted: &str| {
            own.find(|(name, _)| *name == wanted)
                .map(|(_, value)| value)
        };
        // In the order in which they are told.
        let (os, model, serial) = (fact("os"), fact("model"), fact("serial"));
        let cpu = self.system.cpus().first().map(|c| c.brand().to_owned());
        let facts = [
            ("sys_name", System::host_name().ok()),
            ("os", os.or_else(|| System::long_os_version().ok())),
            ("kernel", System::kernel_version().ok()),
            ("arch", Some(System::cpu_arch())),
            ("cpu_model", cpu),
            ("model", model),
            ("serial", serial),
        ];
        facts
            .into_iter()
            .filter_map(|(name, value)| Some((name, clean(&value?))))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

fn seconds(value: Result<u64, sysinfo::Error>) -> Option<i64> {
    i64::try_from(value.ok()?).ok().filter(|s| *s > 0)
}

fn load() -> Option<[f64; 3]> {
    let load = System::load_average().ok()?;
    Some([load.one, load.five, load.fifteen])
}

/// Where there is no boot id, the boot time tells one boot from another.
fn uptime() -> Option<Uptime> {
    Some(Uptime {
        ms: System::uptime().ok()?.checked_mul(1000)?,
        wraps: false,
        boot: linux::host::hash(&System::boot_time().ok()?.to_string()),
    })
}

/// The letter that ps prints.
fn letter(status: ProcessStatus) -> char {
    match status {
        ProcessStatus::Run => 'R',
        ProcessStatus::Sleep => 'S',
        ProcessStatus::UninterruptibleDiskSleep => 'D',
        ProcessStatus::Stop => 'T',
        ProcessStatus::Tracing => 't',
        ProcessStatus::Zombie => 'Z',
        ProcessStatus::Idle => 'I',
        ProcessStatus::Dead => 'X',
        ProcessStatus::Wakekill => 'K',
        ProcessStatus::Waking => 'W',
        ProcessStatus::Parked => 'P',
        _ => '?',
    }
}
