//! From the probe's output to readings.

use std::time::{SystemTime, UNIX_EPOCH};

use super::exec::Output;
use super::host_keys::HostKey;
use crate::collect::linux::{self, Flaw, Report};
use crate::machine::clean;
use crate::reading::{Cause, Event, Failure, Readings, Value};
use crate::table::SYSTEM;

/// The readings, or why the output is not a whole answer.
pub(super) fn read(output: &Output) -> Result<Readings, Failure> {
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong = |message: String| Err(Failure::new(Cause::Protocol, message));
    match Report::parse(&text) {
        Ok(report) => {
            let mut readings = linux::readings(&report);
            set_clock(&mut readings, report.get("clock"), output.began);
            Ok(readings)
        }
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

/// How far the host's clock is off: it was read between the sending and the first words, most
/// likely in the middle.
fn set_clock(readings: &mut Readings, told: Option<&str>, began: Option<(SystemTime, SystemTime)>) {
    let of_unix = |at: SystemTime| Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs_f64());
    let Some((Some(sent), Some(heard))) = began.map(|(a, b)| (of_unix(a), of_unix(b))) else {
        return;
    };
    // Where date knows no fractions, it prints their letter.
    let told = told.map_or("", str::trim).trim_end_matches(['N', '%']);
    let Ok(host) = told.trim_end_matches('.').parse::<f64>() else {
        return;
    };
    let offset = ((host - f64::midpoint(sent, heard)) * 1_000.0).round() / 1_000.0;
    let system = readings.tables.iter_mut().find(|t| t.table == &SYSTEM);
    if let Some(row) = system.and_then(|t| t.rows.first_mut())
        && offset.is_finite()
        && host > 0.0
    {
        row.set(&SYSTEM, "clock_offset_s", Value::Float(offset));
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
            began: None,
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
