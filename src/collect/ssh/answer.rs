//! From the probe's output to readings.

use super::exec::Output;
use super::host_keys::HostKey;
use crate::collect::linux::{self, Flaw, Report};
use crate::collect::machine::clean;
use crate::reading::{Cause, Event, Failure, Readings};

/// The readings, or why the output is not a whole answer.
pub(super) fn read(output: &Output) -> Result<Readings, Failure> {
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong = |message: String| Err(Failure::new(Cause::Protocol, message));
    match Report::parse(&text) {
        Ok(report) => Ok(linux::readings(&report)),
        Err(Flaw::Incomplete(section)) => wrong(format!(
            "answer incomplete: it ends in the part {section}{}",
            said(&output.stderr)
        )),
        Err(Flaw::NotOurs) if text.trim().is_empty() => wrong(format!(
            "the command printed nothing{}",
            said(&output.stderr)
        )),
        Err(Flaw::NotOurs) => wrong(format!(
            "what the host printed is not our probe's answer{}",
            said(&output.stdout)
        )),
    }
}

/// What happened when a host's key was trusted on first use.
pub(super) fn trusted_event(key: &HostKey) -> Event {
    Event {
        kind: "host_key_trusted",
        subject: String::new(),
        message: format!(
            "host key {} ({}) trusted on first use",
            key.fingerprint(),
            key.short_kind()
        ),
    }
}

/// The first line that says something.
fn said(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let line = text.lines().map(clean).find(|l| !l.is_empty());
    line.map_or_else(String::new, |l| format!(": {l}"))
}

impl Output {
    pub(super) fn bytes(&self) -> u64 {
        (self.stdout.len() + self.stderr.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(stdout: &str, stderr: &str) -> String {
        let output = Output {
            stdout: stdout.into(),
            stderr: stderr.into(),
            reusable: true,
        };
        read(&output).unwrap_err().message
    }

    #[test]
    fn what_is_not_an_answer_is_named() {
        assert_eq!(
            failure("\nThis account is currently not available.\n", ""),
            "what the host printed is not our probe's answer: This account is currently not available."
        );
        assert_eq!(
            failure("", "sh: not found\n"),
            "the command printed nothing: sh: not found"
        );
        assert_eq!(
            failure("<<<eider 1>>>\n<<<stat>>>\ncpu 1", ""),
            "answer incomplete: it ends in the part stat"
        );
    }
}
