//! What the operating system keeps a child from, whatever SQL makes of DuckDB: limits of its
//! resources, no new rights, and (Linux 5.13 and later) no file but the copy, the sealed files and
//! its own directory.

use std::io::Error;
use std::path::Path;

use super::super::StoreError;
use super::MAX_FILE_BYTES;
use super::frame::Order;

/// Open files: a question may read a year of sealed files.
const DESCRIPTORS: u64 = 4096;
/// What DuckDB and the time zones read of the system; DuckDB does not start where it may not look
/// how much memory there is.
#[cfg(target_os = "linux")]
const READABLE: [&str; 4] = [
    "/proc/self/cgroup",
    "/proc/meminfo",
    "/sys/fs/cgroup",
    "/usr/share/zoneinfo",
];
/// Polls come first.
const NICENESS: libc::c_int = 10;

/// Closes what was inherited beside standard input, output and error.
#[allow(
    unsafe_code,
    reason = "descriptors without an owner have no safe interface"
)]
pub(super) fn close_descriptors() {
    #[cfg(target_os = "linux")]
    // SAFETY: this runs first in the process; nothing of ours is open yet. An old kernel refuses,
    // and then what our own code opened was closed when the process was started.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32);
    }
}

/// Ends the process without any tidying up, which a running query could hold up.
#[allow(unsafe_code, reason = "std has no way to end without tidying up")]
pub(super) fn end_at_once(code: i32) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Raises every wall; threads that are made from now on are behind them, too.
pub(super) fn raise(order: &Order) -> Result<(), StoreError> {
    let limits = &order.limits;
    let cpu = limits.cpu();
    let set = [
        (libc::RLIMIT_AS, limits.address_space()),
        (libc::RLIMIT_CPU, cpu),
        (
            libc::RLIMIT_FSIZE,
            MAX_FILE_BYTES.min(order.max_bytes.max(limits.spill_bytes)),
        ),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_NOFILE, DESCRIPTORS),
    ];
    for (what, limit) in set {
        lower(what, limit).map_err(|e| failed("a limit", &e))?;
    }
    process().map_err(|e| failed("no new rights", &e))?;
    #[cfg(target_os = "linux")]
    landlock::restrict(
        &READABLE
            .map(Path::new)
            .into_iter()
            .chain([order.copy.as_path(), &order.sealed])
            .collect::<Vec<_>>(),
        &order.private,
    )
    .map_err(|e| failed("the walls around files", &e))?;
    Ok(())
}

fn failed(what: &str, error: &Error) -> StoreError {
    StoreError::Other(format!(
        "{what} cannot be set, so the question is not asked: {error}"
    ))
}

#[cfg(target_os = "linux")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_os = "linux"))]
type Resource = libc::c_int;

#[allow(
    unsafe_code,
    reason = "the limits of a process have no safe interface in std"
)]
fn lower(what: Resource, limit: u64) -> Result<(), Error> {
    let mut now = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `now` is a valid place for the answer, and outlives the call.
    if unsafe { libc::getrlimit(what, &raw mut now) } != 0 {
        return Err(Error::last_os_error());
    }
    let limit = limit.min(now.rlim_max);
    let new = libc::rlimit {
        rlim_cur: limit,
        rlim_max: limit,
    };
    // SAFETY: `new` is a valid value that outlives the call.
    if unsafe { libc::setrlimit(what, &raw const new) } != 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}

/// A file that gets too large is an error, not a signal; nobody gains rights; nobody looks into our
/// memory; others come first, and we go first when the machine has no memory left.
#[allow(unsafe_code, reason = "these calls have no safe interface in std")]
fn process() -> Result<(), Error> {
    // SAFETY: the calls take numbers only.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
    #[cfg(target_os = "linux")]
    {
        // Being the first to go is a courtesy; some systems do not let us offer it.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
        // SAFETY: the calls take numbers only.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
        };
        if refused {
            return Err(Error::last_os_error());
        }
    }
    Ok(())
}

/// The kernel's own rule on files: <https://docs.kernel.org/userspace-api/landlock.html>.
#[cfg(target_os = "linux")]
mod landlock {
    use std::fs::OpenOptions;
    use std::io::Error;
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::Path;

    /// `struct landlock_ruleset_attr`
    #[repr(C)]
    #[derive(Default)]
    struct Ruleset {
        files: u64,
        net: u64,
        scoped: u64,
    }

    /// `struct landlock_path_beneath_attr`
    #[repr(C, packed)]
    struct Beneath {
        allowed: u64,
        parent: RawFd,
    }

    const VERSION: u32 = 1;
    const RULE_PATH_BENEATH: u32 = 1;
    const WRITE_FILE: u64 = 1 << 1;
    const READ_FILE: u64 = 1 << 2;
    const READ_DIR: u64 = 1 << 3;
    const REMOVE_DIR: u64 = 1 << 4;
    const REMOVE_FILE: u64 = 1 << 5;
    const MAKE_DIR: u64 = 1 << 7;
    const MAKE_REG: u64 = 1 << 8;
    const TRUNCATE: u64 = 1 << 14;
    const READ: u64 = READ_FILE | READ_DIR;
    const WRITE: u64 = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE;

    /// From now on this thread and those it makes read nothing but these, and write nothing but
    /// below `private`. A kernel that has no such rule is no error: DuckDB's own lock holds.
    pub(super) fn restrict(readable: &[&Path], private: &Path) -> Result<(), Error> {
        let version = version();
        if version < 1 {
            return Ok(());
        }
        // What the kernel's version knows: 13 rights at first, REFER, TRUNCATE, ioctl later.
        let known: u64 = match version {
            1 => (1 << 13) - 1,
            2 => (1 << 14) - 1,
            3 | 4 => (1 << 15) - 1,
            _ => (1 << 16) - 1,
        };
        let (mut rules, mut size) = (
            Ruleset {
                files: known,
                ..Ruleset::default()
            },
            8,
        );
        if version >= 4 {
            // Neither bind nor connect by TCP.
            rules.net = 0b11;
            size = 16;
        }
        if version >= 6 {
            // No abstract socket and no signal to others.
            rules.scoped = 0b11;
            size = 24;
        }
        let ruleset = create(&rules, size)?;
        for path in readable {
            if path.is_dir() {
                allow(&ruleset, path, READ & known)?;
            } else if path.exists() {
                allow(&ruleset, path, READ_FILE)?;
            }
        }
        allow(&ruleset, private, (READ | WRITE) & known)?;
        enforce(&ruleset)
    }

    #[allow(unsafe_code, reason = "the calls have no interface in libc or std")]
    fn version() -> i64 {
        // SAFETY: a null pointer of size 0 with this flag asks for the version alone.
        unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                std::ptr::null::<Ruleset>(),
                0_usize,
                VERSION,
            )
        }
    }

    #[allow(unsafe_code, reason = "the calls have no interface in libc or std")]
    fn create(rules: &Ruleset, size: usize) -> Result<OwnedFd, Error> {
        // SAFETY: `rules` is valid for `size` bytes and outlives the call.
        let made = unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                std::ptr::from_ref(rules),
                size,
                0_u32,
            )
        };
        match RawFd::try_from(made) {
            // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
            Ok(made) if made >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(made) }),
            _ => Err(Error::last_os_error()),
        }
    }

    #[allow(unsafe_code, reason = "the calls have no interface in libc or std")]
    fn allow(ruleset: &OwnedFd, path: &Path, allowed: u64) -> Result<(), Error> {
        let parent = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH)
            .open(path)?;
        let rule = Beneath {
            allowed,
            parent: parent.as_raw_fd(),
        };
        // SAFETY: `rule` is a valid value, both descriptors are open, and all outlive the call.
        let done = unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                ruleset.as_raw_fd(),
                RULE_PATH_BENEATH,
                &raw const rule,
                0_u32,
            )
        };
        if done == 0 {
            Ok(())
        } else {
            Err(Error::last_os_error())
        }
    }

    #[allow(unsafe_code, reason = "the calls have no interface in libc or std")]
    fn enforce(ruleset: &OwnedFd) -> Result<(), Error> {
        // SAFETY: the descriptor is open and outlives the call.
        let done =
            unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
        if done == 0 {
            Ok(())
        } else {
            Err(Error::last_os_error())
        }
    }
}
