//! Child processes of the tests: found, started, logged, and killed by their process id.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running child whose output is collected; dead at the latest when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: Log,
}

/// What a child has written so far, stdout and stderr in order of arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<VecDeque<String>>>);

/// More lines than any test reads; the oldest go first.
const LOG_LINES: usize = 20_000;

impl Process {
    /// Starts the command with its output captured.
    pub(crate) fn start(name: &str, command: &mut Command) -> Process {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start ({command:?}): {error}"));
        let log = Log::default();
        log.follow(child.stdout.take().expect("stdout is piped"));
        log.follow(child.stderr.take().expect("stderr is piped"));
        Process {
            name: name.into(),
            child,
            log,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// `Some` once it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub(crate) fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        signal(self.pid(), libc::SIGTERM);
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                start.elapsed() < deadline,
                "{} (pid {}) still runs {deadline:?} after SIGTERM; its log:\n{}",
                self.name,
                self.pid(),
                self.log.text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// kill -9, with everything that it has started.
    pub(crate) fn kill(&mut self) {
        let descendants = descendants(self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in descendants {
            signal(pid, libc::SIGKILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
        if std::thread::panicking() {
            eprintln!("--- log of {} ---\n{}---", self.name, self.log.text());
        }
    }
}

impl Log {
    /// Collects lines on a thread until the stream ends.
    fn follow(&self, stream: impl Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                let mut lines = log.0.lock().expect("no writer panics");
                if lines.len() == LOG_LINES {
                    lines.pop_front();
                }
                lines.push_back(text);
                line.clear();
            }
        });
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().expect("no writer panics");
        lines
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }

    /// How many lines hold the text.
    pub(crate) fn count(&self, text: &str) -> usize {
        let lines = self.0.lock().expect("no writer panics");
        lines.iter().filter(|line| line.contains(text)).count()
    }

    /// The first line for which the closure answers.
    pub(crate) fn find<T>(&self, found: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let lines = self.0.lock().expect("no writer panics");
        lines.iter().map(String::as_str).find_map(found)
    }
}

/// A server program of the system, or of the packages that the set-up unpacked into the cache.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Where it was unpacked, when the system does not have it.
    pub(crate) unpacked: Option<PathBuf>,
}

impl Program {
    /// # Panics
    /// When it is nowhere: a missing server is a failure, never a skipped test.
    pub(crate) fn find(name: &str) -> Program {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let system = std::env::split_paths(&path)
            .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
            .map(|directory| (directory, None));
        let root = unpacked_root();
        let unpacked = ["usr/sbin", "usr/bin"].map(|d| (root.join(d), Some(root.clone())));
        system
            .chain(unpacked)
            .map(|(directory, unpacked)| Program {
                path: directory.join(name),
                unpacked,
            })
            .find(|program| program.path.is_file())
            .unwrap_or_else(|| panic!("{name} is not on this machine: run `make test-tools` (or `make test`), which gets it"))
    }

    /// A command that finds the libraries the program was unpacked with.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some(root) = &self.unpacked {
            command.env("LD_LIBRARY_PATH", library_path(root));
        }
        command
    }
}

/// Where `scripts/get-debian` unpacks packages when it may not install them.
pub(crate) fn unpacked_root() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
            PathBuf::from,
        );
    cache.join("eider/debian/root")
}

fn library_path(root: &Path) -> OsString {
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let directories = ["usr/lib", "lib"].map(|lib| root.join(lib).join(&triplet));
    std::env::join_paths(directories).expect("no colon in the cache's path")
}

/// The user id of this process.
pub(crate) fn uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self")
        .expect("/proc is mounted")
        .uid()
}

/// The user name of this process.
pub(crate) fn user_name() -> String {
    let uid = uid().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let entry = passwd
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&uid));
    let name = entry.and_then(|line| line.split(':').next());
    name.expect("the user is in /etc/passwd").to_owned()
}

/// Children of children too: servers that fork leave them behind when they are killed.
fn descendants(pid: u32) -> Vec<u32> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in std::fs::read_dir("/proc")
        .expect("/proc is mounted")
        .flatten()
    {
        let Some(child) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The parent is the second field after the command, which may hold anything in parentheses.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        if let Some(parent) = fields
            .split_whitespace()
            .nth(1)
            .and_then(|p| p.parse().ok())
        {
            parents.push((child, parent));
        }
    }
    let mut found: Vec<u32> = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(
            parents
                .iter()
                .filter(|(_, p)| *p == parent)
                .map(|(c, _)| *c),
        );
        next += 1;
    }
    found.split_off(1)
}

#[allow(
    unsafe_code,
    reason = "a signal to a process that this test started needs the syscall"
)]
pub(crate) fn signal(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).expect("a process id fits");
    // SAFETY: kill takes plain numbers; the process is our own child or its child.
    unsafe { libc::kill(pid, signal) };
}
