//! A real net-snmp `snmpd` on its own UDP port.

use std::net::UdpSocket;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Log, Process, Program};
use super::{PATIENCE, Port, wait_until};

/// Answers SNMP v1 and v2c with community `public` on 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Snmpd {
    process: Option<Process>,
    port: Port,
    directory: TempDir,
    name: String,
    extra: String,
}

impl Snmpd {
    pub(crate) fn start() -> Snmpd {
        Snmpd::start_with("real-device", "")
    }

    /// With this sysName and more lines of `snmpd.conf`.
    pub(crate) fn start_with(sys_name: &str, extra: &str) -> Snmpd {
        let mut snmpd = Snmpd {
            process: None,
            port: Port::free(),
            directory: tempfile::tempdir().expect("the temporary directory is writable"),
            name: sys_name.into(),
            extra: extra.into(),
        };
        snmpd.restart();
        snmpd
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// What it has logged since its last start.
    pub(crate) fn log(&self) -> Option<&Log> {
        self.process.as_ref().map(Process::log)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Silence on the port from now on.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Silence too, but it is given the time to write down who it is and how often it started.
    pub(crate) fn shut_down(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(PATIENCE);
        }
    }

    /// Silence too, and it will be another device: nothing that it wrote down is left.
    pub(crate) fn replace(&mut self) {
        self.stop();
        let written = self.directory.path().join("persistent");
        std::fs::remove_dir_all(written).expect("the directory is ours");
    }

    /// How often it had started when it was shut down, as it wrote down.
    pub(crate) fn engine_boots(&self) -> Option<u32> {
        let remembered = self.directory.path().join("persistent/snmpd.conf");
        let text = std::fs::read_to_string(remembered).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("engineBoots "))?;
        line.trim().parse().ok()
    }

    /// Another sysName, in force after the next [`Snmpd::restart`].
    pub(crate) fn rename(&mut self, sys_name: &str) {
        self.name = sys_name.into();
    }

    /// Stops it if it runs and starts it on the same port; returns when it answers.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let config = self.directory.path().join("snmpd.conf");
        let persistent = self.directory.path().join("persistent");
        std::fs::create_dir_all(&persistent).expect("the temporary directory is writable");
        std::fs::write(&config, self.config()).expect("the temporary directory is writable");
        // What it wrote down when it was shut down; -C would keep it from reading that.
        let mut configs = config.into_os_string();
        let remembered = persistent.join("snmpd.conf");
        if remembered.exists() {
            configs.push(",");
            configs.push(&remembered);
        }
        let program = Program::find("snmpd");
        let mut command = program.command();
        command
            .env("SNMP_PERSISTENT_DIR", &persistent)
            .env("SNMPCONFPATH", self.directory.path())
            .env("MIBS", "")
            // Without SMUX, which would listen on a fixed port.
            .args(["-f", "-Lo", "-C", "-r", "-I", "-smux", "-c"])
            .arg(&configs)
            .arg(format!("udp:127.0.0.1:{}", self.port()));
        let mut process = Process::start("snmpd", &mut command);
        wait_until("snmpd answers", PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!(
                    "snmpd ended by itself ({status}):\n{}",
                    process.log().text()
                );
            }
            self.answers()
        });
        self.process = Some(process);
    }

    fn config(&self) -> String {
        format!(
            "rocommunity public 127.0.0.1\nsysName {}\nsysLocation rack 1\nsysContact ops@example.net\n{}\n",
            self.name, self.extra
        )
    }

    /// One GET of sysUpTime.0, spelled out so that the test does not lean on what it tests.
    fn answers(&self) -> bool {
        const REQUEST: &[u8] = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x11\x22\x33\x44\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00";
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a UDP port is free");
        let patience = Some(Duration::from_millis(300));
        socket
            .set_read_timeout(patience)
            .expect("a socket takes a timeout");
        let mut buffer = [0; 1500];
        socket.send_to(REQUEST, ("127.0.0.1", self.port())).is_ok()
            && socket.recv(&mut buffer).is_ok()
    }
}
