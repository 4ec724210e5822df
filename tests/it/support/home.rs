//! A home in a temporary directory, and the verbs of the real binary run on it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A home of one test, gone when dropped.
#[derive(Debug)]
pub(crate) struct TestHome {
    directory: TempDir,
}

/// What a verb left: exit code and output.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// -1 when a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestHome {
    /// A home without any file.
    pub(crate) fn new() -> TestHome {
        TestHome {
            directory: tempfile::Builder::new()
                .prefix("eider-it-")
                .tempdir()
                .expect("the temporary directory is writable"),
        }
    }

    /// The home with this file in it; the path is relative to the home.
    pub(crate) fn with(self, path: &str, text: &str) -> TestHome {
        self.write(path, text);
        self
    }

    /// Replaces the file at once, as editors do: write beside, then rename.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        let folder = path.parent().expect("below the home");
        std::fs::create_dir_all(folder).expect("the home is writable");
        let mut file = tempfile::NamedTempFile::new_in(folder).expect("the home is writable");
        file.write_all(text.as_bytes())
            .expect("the home is writable");
        file.persist(&path).expect("the home is writable");
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.data().join("eider.sock")
    }

    /// `eider --home HOME …`, not started yet.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = eider();
        command.arg("--home").arg(self.path()).args(args);
        command
    }

    /// Runs a verb to its end, at most a minute.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome {
        finish(&mut self.command(args))
    }

    /// Runs a verb that must succeed and returns its stdout.
    pub(crate) fn succeed<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let outcome = self.run(args);
        assert_eq!(
            outcome.code,
            0,
            "eider {:?} failed\nstdout:\n{}\nstderr:\n{}",
            args.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            outcome.stdout,
            outcome.stderr
        );
        outcome.stdout
    }

    /// The rows of a SQL query as `eider query -e SQL -o json` prints them.
    pub(crate) fn rows(&self, sql: &str) -> Vec<serde_json::Value> {
        let text = self.succeed(&["query", "-e", sql, "-o", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error} in the answer: {text}"));
        assert_eq!(
            answer["truncated"], false,
            "more rows than a test can hold: {sql}"
        );
        answer["rows"].as_array().expect("rows").clone()
    }
}

/// The real binary, free of the settings of whoever runs the tests.
pub(crate) fn eider() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eider"));
    for variable in ["EIDER_HOME", "RUST_LOG", "EIDER_LOG", "SSH_AUTH_SOCK"] {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").env("TZ", "UTC");
    command
}

/// Runs a command to its end.
///
/// # Panics
/// When it takes longer than a minute; it is killed then.
pub(crate) fn finish(command: &mut Command) -> Outcome {
    let out = tempfile::tempfile().expect("the temporary directory is writable");
    let err = tempfile::tempfile().expect("the temporary directory is writable");
    let copy = |file: &std::fs::File| Stdio::from(file.try_clone().expect("a file can be cloned"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(copy(&out))
        .stderr(copy(&err))
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "{command:?} does not end within a minute; stderr:\n{}",
                read_all(err)
            );
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Outcome {
        code: status.code().unwrap_or(-1),
        stdout: read_all(out),
        stderr: read_all(err),
    }
}

fn read_all(mut file: std::fs::File) -> String {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind().expect("a file can be rewound");
    file.read_to_end(&mut bytes).expect("a file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
