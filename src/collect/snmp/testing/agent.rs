//! An SNMP agent in this process, honest or full of mischief.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use snmp2::{MessageType, Pdu};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;

use super::message;
use crate::collect::snmp::oid;

/// What the agent knows: tag and content by name.
pub(in crate::collect::snmp) type Mib = BTreeMap<Vec<u32>, (u8, Vec<u8>)>;

/// A varbind of a reply.
pub(in crate::collect::snmp) type Answer = (Vec<u32>, u8, Vec<u8>);

/// A request as the agent understood it.
#[derive(Clone, Debug)]
pub(in crate::collect::snmp) struct Request {
    pub(in crate::collect::snmp) version: u32,
    pub(in crate::collect::snmp) community: Vec<u8>,
    pub(in crate::collect::snmp) kind: MessageType,
    pub(in crate::collect::snmp) id: u32,
    pub(in crate::collect::snmp) repetitions: u32,
    pub(in crate::collect::snmp) names: Vec<Vec<u32>>,
    /// How many requests came before.
    pub(in crate::collect::snmp) number: usize,
}

/// A reply that can still be spoiled.
#[derive(Clone, Debug)]
pub(in crate::collect::snmp) struct Reply {
    pub(in crate::collect::snmp) version: u32,
    pub(in crate::collect::snmp) community: Vec<u8>,
    pub(in crate::collect::snmp) pdu: u8,
    pub(in crate::collect::snmp) id: u32,
    pub(in crate::collect::snmp) error: (u32, u32),
    pub(in crate::collect::snmp) answers: Vec<Answer>,
}

impl Reply {
    pub(in crate::collect::snmp) fn octets(&self) -> Vec<u8> {
        let varbinds: Vec<_> = self
            .answers
            .iter()
            .map(|(name, tag, content)| (name.as_slice(), *tag, content.clone()))
            .collect();
        let (status, index) = self.error;
        message(
            self.version,
            &self.community,
            self.pdu,
            self.id,
            status,
            index,
            &varbinds,
        )
    }

    /// The same with every number replaced by a wrong one.
    pub(in crate::collect::snmp) fn poisoned(&self) -> Reply {
        let mut poisoned = self.clone();
        for (_, tag, content) in &mut poisoned.answers {
            if matches!(tag, 0x02 | 0x41 | 0x42 | 0x43 | 0x46) {
                *content = vec![0x66, 0x66];
            }
        }
        poisoned
    }
}

/// A datagram to send, from the agent's own port or from another.
pub(in crate::collect::snmp) enum Send {
    Own(Vec<u8>),
    Other(Vec<u8>),
    /// From its own port, but later.
    Late(Duration, Vec<u8>),
}

/// Makes of a request and the honest reply what is really sent.
pub(in crate::collect::snmp) type Mischief =
    Box<dyn FnMut(&Request, Reply) -> Vec<Send> + std::marker::Send>;

/// The running agent; it ends when dropped.
pub(in crate::collect::snmp) struct Agent {
    pub(in crate::collect::snmp) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: AbortHandle,
}

struct Shared {
    mib: Mib,
    mischief: Option<Mischief>,
    requests: Vec<Request>,
    under_way: usize,
    most_under_way: usize,
}

impl Shared {
    fn begin(&mut self) {
        self.under_way += 1;
        self.most_under_way = self.most_under_way.max(self.under_way);
    }
}

impl Agent {
    pub(in crate::collect::snmp) async fn start(mib: Mib) -> Agent {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            mib,
            mischief: None,
            requests: Vec::new(),
            under_way: 0,
            most_under_way: 0,
        }));
        let task = tokio::spawn(serve(socket, other, shared.clone())).abort_handle();
        Agent {
            address,
            shared,
            task,
        }
    }

    /// Misbehaves from now on; `None`: honest again.
    pub(in crate::collect::snmp) fn misbehave(&self, mischief: Option<Mischief>) {
        self.shared.lock().unwrap().mischief = mischief;
    }

    /// Changes what it knows.
    pub(in crate::collect::snmp) fn change(&self, change: impl FnOnce(&mut Mib)) {
        change(&mut self.shared.lock().unwrap().mib);
    }

    /// How many late replies were outstanding at once, at most, since the last time.
    pub(in crate::collect::snmp) fn most_under_way(&self) -> usize {
        std::mem::take(&mut self.shared.lock().unwrap().most_under_way)
    }

    /// The requests since the last time.
    pub(in crate::collect::snmp) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.lock().unwrap().requests)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: Arc<UdpSocket>, other: UdpSocket, shared: Arc<Mutex<Shared>>) {
    let mut buffer = vec![0; 65_536];
    let mut number = 0;
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let Some(mut request) = understand(&buffer[..length]) else {
            continue;
        };
        request.number = number;
        number += 1;
        let sends = {
            let mut shared = shared.lock().unwrap();
            shared.requests.push(request.clone());
            let honest = honest(&shared.mib, &request);
            match &mut shared.mischief {
                Some(mischief) => mischief(&request, honest),
                None => vec![Send::Own(honest.octets())],
            }
        };
        for send in sends {
            match send {
                Send::Own(octets) => {
                    socket.send_to(&octets, from).await.unwrap();
                }
                Send::Other(octets) => {
                    other.send_to(&octets, from).await.unwrap();
                }
                Send::Late(delay, octets) => {
                    let (socket, shared) = (socket.clone(), shared.clone());
                    shared.lock().unwrap().begin();
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        shared.lock().unwrap().under_way -= 1;
                        socket.send_to(&octets, from).await.unwrap();
                    });
                }
            }
        }
    }
}

/// Takes a request apart; `None` when it has not the right community.
pub(in crate::collect::snmp) fn understand(datagram: &[u8]) -> Option<Request> {
    let pdu = Pdu::from_bytes(datagram).ok()?;
    if pdu.community != b"public" {
        return None;
    }
    let names = pdu.varbinds.clone().map(|(name, _)| {
        let mut arcs = Vec::new();
        oid::decode(name.as_bytes(), &mut arcs).unwrap();
        arcs
    });
    Some(Request {
        version: pdu.version().ok()? as u32,
        community: pdu.community.to_vec(),
        kind: pdu.message_type,
        id: pdu.req_id as u32,
        repetitions: pdu.error_index,
        names: names.collect(),
        number: 0,
    })
}

/// What a good device answers.
pub(in crate::collect::snmp) fn honest(mib: &Mib, request: &Request) -> Reply {
    let version_1 = request.version == 0;
    let mut reply = Reply {
        version: request.version,
        community: request.community.clone(),
        pdu: 0xa2,
        id: request.id,
        error: (0, 0),
        answers: Vec::new(),
    };
    let rounds = match request.kind {
        MessageType::GetBulkRequest => request.repetitions,
        _ => 1,
    };
    let mut names = request.names.clone();
    for _ in 0..rounds {
        for (place, name) in names.iter_mut().enumerate() {
            let answer = match request.kind {
                MessageType::GetRequest => exact(mib, name, version_1),
                _ => next(mib, name, version_1),
            };
            if version_1 && matches!(answer.1, 0x81 | 0x82) {
                reply.error = (2, place as u32 + 1);
            }
            name.clone_from(&answer.0);
            reply.answers.push(answer);
        }
    }
    if reply.error.0 != 0 {
        let null = |name: &Vec<u32>| (name.clone(), 0x05, Vec::new());
        reply.answers = request.names.iter().map(null).collect();
    }
    reply
}

fn exact(mib: &Mib, name: &[u32], version_1: bool) -> Answer {
    match mib.get(name) {
        Some((tag, content)) if !(version_1 && *tag == 0x46) => {
            (name.to_vec(), *tag, content.clone())
        }
        _ => (name.to_vec(), 0x81, Vec::new()),
    }
}

fn next(mib: &Mib, name: &[u32], version_1: bool) -> Answer {
    use std::ops::Bound::{Excluded, Unbounded};
    let mut behind = mib.range::<[u32], _>((Excluded(name), Unbounded));
    match behind.find(|(_, (tag, _))| !(version_1 && *tag == 0x46)) {
        Some((name, (tag, content))) => (name.clone(), *tag, content.clone()),
        None => (name.to_vec(), 0x82, Vec::new()),
    }
}
