//! A real SMTP server (aiosmtpd) that keeps what it gets.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use super::process::Process;
use super::{PATIENCE, Port, python, wait_for, wait_until};

/// Listens on 127.0.0.1 without TLS and without login.
#[derive(Debug)]
pub(crate) struct Smtp {
    process: Option<Process>,
    port: Port,
    directory: TempDir,
}

/// One accepted mail, its parts decoded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mail {
    /// Of the envelope.
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    /// Every header in order, encoded words decoded, folding undone.
    pub(crate) headers: Vec<(String, String)>,
    /// The text/plain part, empty when there is none.
    pub(crate) text: String,
    /// The text/html part, empty when there is none.
    pub(crate) html: String,
    /// As it came over the wire.
    pub(crate) raw: String,
    /// Every part that holds something, in order.
    pub(crate) parts: Vec<Part>,
}

/// One part of a mail, decoded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Part {
    /// `image/png`
    pub(crate) kind: String,
    /// Empty when it has none.
    pub(crate) name: String,
    /// Without angle brackets; empty when it has none.
    pub(crate) id: String,
    /// `inline`, `attachment` or empty.
    pub(crate) disposition: String,
    pub(crate) base64: String,
}

impl Part {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD;
        engine
            .decode(&self.base64)
            .expect("the server encodes well")
    }
}

impl Mail {
    /// The first header of that name in any case, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn subject(&self) -> &str {
        self.header("subject")
    }
}

impl Smtp {
    pub(crate) fn start() -> Smtp {
        let mut smtp = Smtp {
            process: None,
            port: Port::free(),
            directory: tempfile::tempdir().expect("the temporary directory is writable"),
        };
        smtp.restart();
        smtp
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// `smtp://127.0.0.1:PORT`, for `mail: {smtp: …}`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port())
    }

    /// Refuses connections from now on; the mails stay.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// From now on every mail is answered so after its DATA (`451 4.3.0 try later`) instead of kept;
    /// an empty answer keeps them again.
    pub(crate) fn answer(&self, line: &str) {
        std::fs::write(self.directory.path().join("answer"), line).expect("writable");
    }

    /// How many mails it has answered so since its last start.
    pub(crate) fn deferred(&self) -> usize {
        let process = self.process.as_ref();
        process.map_or(0, |process| process.log().count("deferred"))
    }

    /// Starts it on the same port; returns when it accepts.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let mut command = python::command();
        command
            .arg("-c")
            .arg(SERVER)
            .arg(self.port().to_string())
            .arg(self.directory.path())
            // The server ends when this end of the pipe closes, whatever becomes of the test.
            .stdin(Stdio::piped());
        let mut process = Process::start("the SMTP server", &mut command);
        wait_until("the SMTP server listens", PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!(
                    "the SMTP server ended by itself ({status}); `make test-tools` gets python3-aiosmtpd:\n{}",
                    process.log().text()
                );
            }
            process.log().count("listening") > 0
        });
        self.process = Some(process);
    }

    /// Every mail accepted so far, in order.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let entries = std::fs::read_dir(self.directory.path()).expect("the directory is there");
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|e| e == "json"));
        files.sort();
        let read = |path: &PathBuf| {
            let text = std::fs::read(path).expect("a mail can be read");
            serde_json::from_slice(&text).expect("the server writes whole mails")
        };
        files.iter().map(read).collect()
    }

    /// Waits until at least this many mails have come and returns them all.
    pub(crate) fn wait_mails(&self, count: usize, deadline: Duration) -> Vec<Mail> {
        wait_for(&format!("{count} mails arrive"), deadline, || {
            Some(self.mails()).filter(|mails| mails.len() >= count)
        })
    }
}

const SERVER: &str = r#"
import asyncio, base64, email, email.policy, itertools, json, os, sys
from aiosmtpd.smtp import SMTP
port, directory = int(sys.argv[1]), sys.argv[2]
taken = [int(f[:-5]) for f in os.listdir(directory) if f.endswith(".json")]
numbers = itertools.count(max(taken, default=0) + 1)

def part(message, kind):
    body = message.get_body(preferencelist=(kind,))
    return body.get_content() if body is not None and body.get_content_subtype() == ("plain" if kind == "plain" else "html") else ""

class Keep:
    async def handle_DATA(self, server, session, envelope):
        try:
            answer = open(os.path.join(directory, "answer")).read().strip()
        except FileNotFoundError:
            answer = ""
        if answer:
            print("deferred", flush=True)
            return answer
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail = dict(
            sender=envelope.mail_from, recipients=envelope.rcpt_tos,
            headers=[(name, str(value)) for name, value in message.items()],
            text=part(message, "plain"), html=part(message, "html"),
            raw=envelope.content.decode("utf-8", "replace"),
            parts=[dict(
                kind=p.get_content_type(), name=p.get_filename() or "", id=(p["Content-ID"] or "").strip("<> "),
                disposition=p.get_content_disposition() or "",
                base64=base64.b64encode(p.get_payload(decode=True) or b"").decode(),
            ) for p in message.walk() if not p.is_multipart()],
        )
        path = os.path.join(directory, "%06d.json" % next(numbers))
        with open(path + ".part", "w") as file:
            json.dump(mail, file)
        os.rename(path + ".part", path)
        return "250 2.0.0 kept"

async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Keep(), hostname="mail.test", loop=loop, enable_SMTPUTF8=True)
    server = await loop.create_server(make, "127.0.0.1", port)
    print("listening", flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    os._exit(0)

asyncio.run(main())
"#;
