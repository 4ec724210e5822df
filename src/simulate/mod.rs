//! SNMP agents on loopback, played from recordings or invented: to try things out, for tests and
//! for benchmarks. Any number of devices in one process, behind one socket.
//!
//! `object` finds what is asked for, `shape`, `invented` and `recording` say what there is, `answer` makes
//! the reply of one device, `secure` its side of version 3, `mischief` spoils replies on purpose, `fault`
//! spoils the line, `socket` carries it. A community that is not the fleet's, and whatever is no
//! request, is met with silence.

mod answer;
mod fault;
mod invented;
mod mischief;
mod object;
mod recording;
mod secure;
mod shape;
mod socket;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::collect::snmp::codec::{self, Heard, LocalEngine, Request, Seal};
use crate::inventory::UsmUser;
use answer::{Agent, Scratch, TOO_BIG};
pub use fault::Faults;
use fault::Line;
use invented::Moment;
use mischief::{Answer, Spoiler};
pub use mischief::{MISCHIEF, Mischief};
use object::Objects;
pub use recording::{Recording, RecordingError, line as recording_line};
use secure::Engines;
pub use shape::{Counter, Shape};
use socket::{LoopbackSocket, Route};

/// No UDP datagram is longer.
const LONGEST_DATAGRAM: usize = 65_536;
/// The longest reply there may be.
pub const LONGEST_REPLY: usize = 65_000;
/// What a message of version 3 needs around the reply, at most.
const SECURE_ENVELOPE: usize = 160;
/// Nobody waits longer to be stopped.
const GLANCE: Duration = Duration::from_millis(100);
/// So many replies at once, then those that have waited get their turn.
const BATCH: usize = 64;
/// The most devices there are addresses for: 127.0.0.1 to 127.255.255.254.
pub const MOST_DEVICES: u32 = (1 << 24) - 2;

/// What is played.
#[derive(Debug)]
pub struct Options {
    /// The address of the first device; the others follow it.
    pub first: Ipv4Addr,
    /// 0: any free one.
    pub port: u16,
    pub devices: u32,
    pub community: String,
    /// Who is answered by version 3 too.
    pub user: Option<UsmUser>,
    /// Devices take these in turn; none: they are honest.
    pub mischief: Vec<Mischief>,
    pub shape: Shape,
    /// Devices take these in turn; none: they are invented.
    pub recordings: Vec<Recording>,
    pub faults: Faults,
    /// No reply is longer than this many octets.
    pub longest_reply: usize,
}

/// Devices that wait to be asked.
pub struct Fleet {
    socket: LoopbackSocket,
    options: Options,
    kinds: Vec<Objects>,
    control: Control,
}

/// A hand on a fleet that runs elsewhere.
#[derive(Clone, Debug)]
pub struct Control(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    started: Instant,
    skipped_ms: AtomicU64,
    stop: AtomicBool,
    replies: AtomicU64,
    too_big: AtomicU64,
    honest: AtomicBool,
}

impl Control {
    /// How long the simulation goes, by the clock of the devices.
    pub fn elapsed_ms(&self) -> u64 {
        let skipped = self.0.skipped_ms.load(Ordering::SeqCst);
        self.0.started.elapsed().as_millis() as u64 + skipped
    }

    /// Puts the clocks of all devices forward.
    pub fn skip(&self, time: Duration) {
        let ms = time.as_millis() as u64;
        self.0.skipped_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Replies given so far, lost ones included.
    pub fn replies(&self) -> u64 {
        self.0.replies.load(Ordering::Relaxed)
    }

    /// How many of them said "too big".
    pub fn too_big(&self) -> u64 {
        self.0.too_big.load(Ordering::Relaxed)
    }

    /// Makes all devices honest from now on, or lets them misbehave again.
    pub fn behave(&self, honest: bool) {
        self.0.honest.store(honest, Ordering::SeqCst);
    }

    /// Ends [`Fleet::run`] within a moment.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}

impl Fleet {
    /// Opens the socket. Whoever asks from now on is answered as soon as [`Fleet::run`] runs.
    ///
    /// # Errors
    /// When the port is taken, or the addresses are not all in 127/8.
    pub fn open(options: Options) -> io::Result<Fleet> {
        let last = u32::from(options.first).checked_add(options.devices.saturating_sub(1));
        let inside = last.is_some_and(|last| Ipv4Addr::from(last).is_loopback());
        let shape = &options.shape;
        if !options.first.is_loopback() || !inside || options.devices == 0 || shape.ports == 0 {
            let message = "the devices' addresses must all be in 127.0.0.0/8";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let only = (options.devices == 1).then_some(options.first);
        let socket = LoopbackSocket::open(only, options.port)?;
        let mut options = options;
        let mut kinds: Vec<Objects> = std::mem::take(&mut options.recordings)
            .into_iter()
            .map(|r| r.objects)
            .collect();
        if kinds.is_empty() {
            kinds.push(options.shape.objects());
        }
        let control = Control(Arc::new(Shared {
            started: Instant::now(),
            skipped_ms: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            replies: AtomicU64::new(0),
            too_big: AtomicU64::new(0),
            honest: AtomicBool::new(false),
        }));
        Ok(Fleet {
            socket,
            options,
            kinds,
            control,
        })
    }

    pub fn port(&self) -> u16 {
        self.socket.port()
    }

    /// The address of a device, counted from 0.
    pub fn address(&self, device: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.options.first) + device)
    }

    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Answers on this thread until it is stopped.
    ///
    /// # Errors
    /// When the socket breaks.
    pub fn run(&self) -> io::Result<()> {
        let seed = self.options.shape.seed;
        let mut datagram = vec![0; LONGEST_DATAGRAM];
        let mut work = Work {
            line: Line::new(self.options.faults.clone(), seed),
            scratch: Scratch::default(),
            reply: Vec::new(),
            engines: Engines::of(self.options.user.as_ref()),
            spoiler: Spoiler::new(seed),
        };
        while !self.control.0.stop.load(Ordering::Relaxed) {
            let mut busy = 0;
            while busy < BATCH
                && let Some((length, route)) = self.socket.receive(&mut datagram)?
            {
                busy += 1;
                self.answer(&datagram[..length], route, &mut work);
            }
            while let Some((route, reply)) = work.line.due(self.now_us()) {
                self.socket.send(&reply, route);
            }
            if busy < BATCH {
                let idle = work.line.idle_us(self.now_us()).map(Duration::from_micros);
                self.socket.wait(idle.unwrap_or(GLANCE).min(GLANCE));
            }
        }
        Ok(())
    }

    fn now_us(&self) -> u64 {
        self.control.0.started.elapsed().as_micros() as u64
    }

    fn answer(&self, datagram: &[u8], route: Route, work: &mut Work) {
        let device = u32::from(route.to).checked_sub(u32::from(self.options.first));
        let Some(device) = device.filter(|d| *d < self.options.devices) else {
            return;
        };
        let moment = Moment {
            shape: &self.options.shape,
            device,
            elapsed_ms: self.control.elapsed_ms(),
        };
        if let Some(request) = Request::decode(datagram) {
            if request.community == self.options.community.as_bytes() {
                self.reply(Some(&request), &moment, route, None, work);
            }
            return;
        }
        let Some(mut engines) = work.engines.take() else {
            return;
        };
        if let Some((engine, heard, seal)) = engines.hear(datagram, &moment) {
            match &heard {
                Heard::Report { reason, .. } => {
                    self.reply(None, &moment, route, Some((engine, seal, *reason)), work);
                }
                Heard::Question { tag, pdu, .. } => {
                    let request = Request::of_pdu(*tag, pdu);
                    if request.is_some() {
                        let secure = Some((engine, seal, 0));
                        self.reply(request.as_ref(), &moment, route, secure, work);
                    }
                }
            }
        }
        work.engines = Some(engines);
    }

    /// Answers a request; without one it is the Report of version 3 for that reason.
    fn reply(
        &self,
        request: Option<&Request<'_>>,
        moment: &Moment<'_>,
        route: Route,
        secure: Option<(&LocalEngine, Seal, u32)>,
        work: &mut Work,
    ) {
        let room = if secure.is_some() { SECURE_ENVELOPE } else { 0 };
        let agent = Agent {
            objects: &self.kinds[moment.device as usize % self.kinds.len()],
            moment: *moment,
            limit: self
                .options
                .longest_reply
                .min(LONGEST_REPLY)
                .saturating_sub(room),
        };
        work.scratch.varbinds.clear();
        let answered = request.map_or(Some((0, 0)), |r| agent.answer(r, &mut work.scratch));
        let Some(error) = answered else {
            return;
        };
        if error.0 == TOO_BIG {
            self.control.0.too_big.fetch_add(1, Ordering::Relaxed);
        }
        self.control.0.replies.fetch_add(1, Ordering::Relaxed);
        if let Some(mischief) = self.mischief(moment.device) {
            let reason = secure.as_ref().map_or(0, |(.., reason)| *reason);
            let answer = Answer {
                request,
                error,
                varbinds: &work.scratch.varbinds,
                secure: secure.map(|(engine, seal, _)| (engine, seal)),
                reason,
                route,
            };
            for sent in work.spoiler.spoil(mischief, &answer) {
                match sent.after.is_zero() {
                    true => self.socket.send(&sent.octets, sent.route),
                    false => {
                        let now = self.now_us();
                        work.line.later(now, sent.after, sent.route, &sent.octets);
                    }
                }
            }
            return;
        }
        work.reply.clear();
        match (request, &secure) {
            (Some(request), _) => {
                codec::push_reply(request, error, &work.scratch.varbinds, &mut work.reply);
            }
            (None, Some((_, seal, reason))) => {
                LocalEngine::report(*reason, seal.id, &mut work.reply);
            }
            (None, None) => return,
        }
        if let Some((engine, seal, _)) = &secure {
            work.reply = engine.seal(seal, &work.reply);
        }
        if work.line.take(self.now_us(), route, &work.reply) {
            self.socket.send(&work.reply, route);
        }
    }

    fn mischief(&self, device: u32) -> Option<Mischief> {
        let kinds = &self.options.mischief;
        let honest = kinds.is_empty() || self.control.0.honest.load(Ordering::Relaxed);
        (!honest).then(|| kinds[device as usize % kinds.len()])
    }
}

/// What the thread that answers works with.
struct Work {
    line: Line,
    scratch: Scratch,
    reply: Vec<u8>,
    /// With a user of version 3.
    engines: Option<Engines>,
    spoiler: Spoiler,
}
