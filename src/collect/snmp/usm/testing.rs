//! A device of version 3 in this process, honest or full of mischief. Its time is an argument.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::auth::{self, Key, Signer};
use super::privacy::Cipher;
use super::wire::{self, Envelope, Level};
use crate::collect::snmp::testing::agent::{self, Mib, Reply};
use crate::collect::snmp::testing::{message, tlv};
use crate::inventory::{AuthProtocol, PrivProtocol, Secret, UsmAuth, UsmPrivacy, UsmUser};

pub(in crate::collect::snmp) const CLOCK: u32 = 2;
pub(in crate::collect::snmp) const USER: u32 = 3;
pub(in crate::collect::snmp) const ENGINE: u32 = 4;
pub(in crate::collect::snmp) const DIGEST: u32 = 5;

pub(in crate::collect::snmp) const OPEN: Level = Level {
    signed: false,
    encrypted: false,
};
pub(in crate::collect::snmp) const SIGNED: Level = Level {
    signed: true,
    encrypted: false,
};
pub(in crate::collect::snmp) const PRIVATE: Level = Level {
    signed: true,
    encrypted: true,
};

/// A user with everything.
pub(in crate::collect::snmp) fn user() -> UsmUser {
    UsmUser {
        name: "monitor".into(),
        context: String::new(),
        auth: Some(UsmAuth {
            protocol: AuthProtocol::Sha256,
            secret: Secret::new("maplesyrup"),
            privacy: Some(UsmPrivacy {
                protocol: PrivProtocol::Aes128,
                secret: Secret::new("maplesyrup"),
            }),
        }),
    }
}

/// The device.
#[derive(Clone)]
pub(in crate::collect::snmp) struct Device3 {
    pub(in crate::collect::snmp) engine_id: Vec<u8>,
    pub(in crate::collect::snmp) boots: u32,
    pub(in crate::collect::snmp) started: Instant,
    pub(in crate::collect::snmp) mib: Mib,
    pub(in crate::collect::snmp) contexts: Vec<&'static str>,
}

/// A request as the device understood it.
#[derive(Clone, Copy, Debug)]
pub(in crate::collect::snmp) struct Seen {
    pub(in crate::collect::snmp) id: u32,
    pub(in crate::collect::snmp) level: Level,
}

impl Device3 {
    pub(in crate::collect::snmp) fn new(mib: Mib) -> Device3 {
        Device3 {
            engine_id: b"\x80\x00\x1f\x88\x04switch".to_vec(),
            boots: 5,
            started: Instant::now(),
            mib,
            contexts: vec![""],
        }
    }

    pub(in crate::collect::snmp) fn time(&self, now: Instant) -> u32 {
        now.duration_since(self.started).as_secs() as u32
    }

    fn keys(&self) -> (Signer, Cipher) {
        static MASTER: LazyLock<Key> =
            LazyLock::new(|| auth::master(AuthProtocol::Sha256, b"maplesyrup").unwrap());
        let protocol = AuthProtocol::Sha256;
        let key = auth::localise(protocol, &MASTER, &self.engine_id);
        let cipher = Cipher::new(protocol, PrivProtocol::Aes128, key.clone(), &self.engine_id);
        (Signer { protocol, key }, cipher)
    }

    /// What an honest device answers, if anything.
    pub(in crate::collect::snmp) fn answer(
        &self,
        datagram: &[u8],
        now: Instant,
    ) -> Option<Vec<u8>> {
        let asked = wire::decode(datagram).unwrap();
        let (id, time) = (asked.id, self.time(now));
        if asked.engine_id != self.engine_id {
            return Some(self.report(ENGINE, OPEN, id, (self.boots, time)));
        }
        if asked.user != b"monitor" {
            return Some(self.report(USER, OPEN, id, (self.boots, time)));
        }
        let (signer, cipher) = self.keys();
        if !asked.level.signed || !signer.verify(datagram, asked.tag_at, asked.tag_length) {
            return Some(self.report(DIGEST, OPEN, id, (self.boots, time)));
        }
        if asked.boots != self.boots || asked.time.abs_diff(time) > 150 {
            return Some(self.report(CLOCK, SIGNED, id, (self.boots, time)));
        }
        let text = cipher.decrypt(asked.boots, asked.time, asked.salt, asked.text)?;
        let scoped = wire::decode_scoped(wire::unframe(&text).ok()?).ok()?;
        // As net-snmp does it: silence in a context that it does not know.
        let context = std::str::from_utf8(scoped.context).unwrap();
        if !self.contexts.contains(&context) {
            return None;
        }
        let reply = inside(&self.reply(scoped.tag, scoped.pdu).octets());
        Some(self.seal_in(context, PRIVATE, id, (self.boots, time), &reply))
    }

    /// The answer of the version-2 part inside.
    fn reply(&self, tag: u8, asked: &[u8]) -> Reply {
        let mut open = tlv(0x02, &[1]);
        open.extend(tlv(0x04, b"public"));
        open.extend(tlv(tag, asked));
        let request = agent::understand(&tlv(0x30, &open)).unwrap();
        agent::honest(&self.mib, &request)
    }

    pub(in crate::collect::snmp) fn report(
        &self,
        reason: u32,
        level: Level,
        id: u32,
        clock: (u32, u32),
    ) -> Vec<u8> {
        let name = [1, 3, 6, 1, 6, 3, 15, 1, 1, reason, 0];
        let report = message(1, b"public", 0xa8, id, 0, 0, &[(&name, 0x41, vec![1])]);
        self.seal(level, id, clock, &inside(&report))
    }

    /// A Response under this protection with a poisoned value for every object of `Reply`.
    pub(in crate::collect::snmp) fn poisoned(
        &self,
        level: Level,
        id: u32,
        now: Instant,
    ) -> Vec<u8> {
        let uptime = [1, 3, 6, 1, 2, 1, 1, 3, 0];
        let values = [(&uptime[..], 0x43, vec![0x66, 0x66])];
        let response = message(1, b"public", 0xa2, id, 0, 0, &values);
        self.seal(level, id, (self.boots, self.time(now)), &inside(&response))
    }

    /// Signs and encrypts a PDU of the default context.
    pub(in crate::collect::snmp) fn seal(
        &self,
        level: Level,
        id: u32,
        clock: (u32, u32),
        pdu: &[u8],
    ) -> Vec<u8> {
        self.seal_in("", level, id, clock, pdu)
    }

    fn seal_in(
        &self,
        context: &str,
        level: Level,
        id: u32,
        (boots, time): (u32, u32),
        pdu: &[u8],
    ) -> Vec<u8> {
        let (signer, cipher) = self.keys();
        let mut text = tlv(0x04, &self.engine_id);
        text.extend(tlv(0x04, context.as_bytes()));
        text.extend(pdu);
        let mut salt = Vec::new();
        if level.encrypted {
            text = tlv(0x30, &text);
            salt = cipher.encrypt(boots, time, &mut text).to_vec();
        }
        let envelope = Envelope {
            id,
            level,
            reportable: true,
            engine_id: &self.engine_id,
            boots,
            time,
            user: if level.signed { b"monitor" } else { b"" },
            tag_length: if level.signed { signer.tag_length() } else { 0 },
            salt: &salt,
            max_size: wire::OUR_MAX_SIZE,
        };
        let mut out = Vec::new();
        let at = wire::encode(&envelope, &text, &mut out);
        if level.signed {
            signer.sign(&mut out, at);
        }
        out
    }

    /// A signed Report whose digest is this instead of a right one.
    pub(in crate::collect::snmp) fn with_digest(&self, id: u32, digest: &[u8]) -> Vec<u8> {
        let name = [1, 3, 6, 1, 6, 3, 15, 1, 1, CLOCK, 0];
        let report = message(1, b"public", 0xa8, id, 0, 0, &[(&name, 0x41, vec![1])]);
        let mut text = tlv(0x04, &self.engine_id);
        text.extend(tlv(0x04, b""));
        text.extend(inside(&report));
        let envelope = Envelope {
            id,
            level: SIGNED,
            reportable: true,
            engine_id: &self.engine_id,
            boots: 2_147_483_646,
            time: 1,
            user: b"monitor",
            tag_length: digest.len(),
            salt: &[],
            max_size: wire::OUR_MAX_SIZE,
        };
        let mut out = Vec::new();
        let at = wire::encode(&envelope, &text, &mut out);
        out[at..at + digest.len()].copy_from_slice(digest);
        out
    }
}

/// What follows the community in a message of version 2.
fn inside(message: &[u8]) -> Vec<u8> {
    let community = message.windows(6).position(|w| w == b"public").unwrap();
    message[community + 6..].to_vec()
}

/// Makes of a request and the honest answer what is really sent.
pub(in crate::collect::snmp) type Mischief3 =
    Box<dyn FnMut(&Device3, Seen, Option<Vec<u8>>) -> Vec<Vec<u8>> + Send>;

/// A device that listens; it ends when dropped.
pub(in crate::collect::snmp) struct Agent3 {
    pub(in crate::collect::snmp) address: SocketAddr,
    shared: Arc<Mutex<(Device3, Option<Mischief3>)>>,
    task: AbortHandle,
}

impl Agent3 {
    pub(in crate::collect::snmp) async fn start(mib: Mib) -> Agent3 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Mutex::new((Device3::new(mib), None)));
        let task = tokio::spawn(serve(socket, shared.clone())).abort_handle();
        Agent3 {
            address,
            shared,
            task,
        }
    }

    /// Misbehaves from now on; `None`: honest again.
    pub(in crate::collect::snmp) fn misbehave(&self, mischief: Option<Mischief3>) {
        self.shared.lock().unwrap().1 = mischief;
    }

    pub(in crate::collect::snmp) fn change(&self, change: impl FnOnce(&mut Device3)) {
        change(&mut self.shared.lock().unwrap().0);
    }
}

impl Drop for Agent3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, shared: Arc<Mutex<(Device3, Option<Mischief3>)>>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let datagram = &buffer[..length];
        let sends = {
            let (device, mischief) = &mut *shared.lock().unwrap();
            let honest = device.answer(datagram, Instant::now());
            let asked = wire::decode(datagram).unwrap();
            let seen = Seen {
                id: asked.id,
                level: asked.level,
            };
            match mischief {
                Some(mischief) => mischief(device, seen, honest),
                None => honest.into_iter().collect(),
            }
        };
        for send in sends {
            socket.send_to(&send, from).await.unwrap();
        }
    }
}
