//! The running daemon: `eider serve` on a free port.

use std::process::ExitStatus;
use std::time::Duration;

use super::home::TestHome;
use super::process::{Log, Process};
use super::{PATIENCE, http, wait_for};

/// `eider --home HOME serve --listen 127.0.0.1:0`, killed when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Process,
    url: String,
}

impl Daemon {
    /// Starts it and waits until its pages and its socket answer.
    pub(crate) fn start(home: &TestHome) -> Daemon {
        Daemon::start_with(home, &[], &[])
    }

    /// [`Daemon::start`] with more arguments and environment variables.
    pub(crate) fn start_with(home: &TestHome, args: &[&str], env: &[(&str, &str)]) -> Daemon {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args).envs(env.iter().copied());
        let mut process = Process::start("eider serve", &mut command);
        let url = wait_for("the daemon tells its URL", PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!(
                    "eider serve ended by itself ({status}):\n{}",
                    process.log().text()
                );
            }
            process.log().find(url_in)
        });
        let daemon = Daemon { process, url };
        wait_for("the pages answer", PATIENCE, || {
            http::try_get(&format!("{}/healthz", daemon.url))
                .ok()
                .filter(|r| r.status == 200)
        });
        wait_for("the socket accepts", PATIENCE, || {
            std::os::unix::net::UnixStream::connect(home.socket()).ok()
        });
        daemon
    }

    /// `http://127.0.0.1:PORT`, no slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// GETs a page that must be there.
    pub(crate) fn page(&self, path: &str) -> String {
        let response = http::get(&format!("{}{path}", self.url));
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.text()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn log(&self) -> &Log {
        self.process.log()
    }

    /// kill -9: nothing is written any more.
    pub(crate) fn kill(mut self) {
        self.process.kill();
    }

    /// SIGTERM, then waits for the orderly end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.process.terminate(Duration::from_secs(30))
    }
}

fn url_in(line: &str) -> Option<String> {
    let start = line.find("http://127.0.0.1:")?;
    let digits_at = start + "http://127.0.0.1:".len();
    let digits = line[digits_at..]
        .chars()
        .take_while(char::is_ascii_digit)
        .count();
    (digits > 0 && &line[digits_at..digits_at + digits] != "0")
        .then(|| line[start..digits_at + digits].to_owned())
}
