//! SNMP agents on loopback, played from recordings or invented: to try things out, for tests and
//! for benchmarks. Any number of devices in one process, behind one socket.
//!
//! `object` finds what is asked for, `shape`, `invented` and `recording` say what there is, `answer` makes
//! the reply of one device, `fault` spoils the line, `socket` carries it. Versions 1 and 2c; a
//! community that is not the fleet's, and whatever is no request, is met with silence.

mod answer;
mod fault;
mod invented;
mod object;
mod recording;
mod shape;
mod socket;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::collect::snmp::codec::Request;
use answer::{Agent, Scratch};
pub use fault::Faults;
use fault::Line;
use invented::Moment;
use object::Objects;
pub use recording::{Recording, RecordingError, line as recording_line};
pub use shape::{Counter, Shape};
use socket::{LoopbackSocket, Route};

/// No UDP datagram is longer.
const LONGEST_DATAGRAM: usize = 65_536;
/// The longest reply there may be.
pub const LONGEST_REPLY: usize = 65_000;
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
        let mut line = Line::new(self.options.faults.clone(), self.options.shape.seed);
        let mut datagram = vec![0; LONGEST_DATAGRAM];
        let mut scratch = Scratch::default();
        let mut reply = Vec::new();
        while !self.control.0.stop.load(Ordering::Relaxed) {
            let mut busy = 0;
            while busy < BATCH
                && let Some((length, route)) = self.socket.receive(&mut datagram)?
            {
                busy += 1;
                reply.clear();
                self.answer(&datagram[..length], route, &mut scratch, &mut reply);
                if !reply.is_empty() && line.take(self.now_us(), route, &reply) {
                    self.socket.send(&reply, route);
                }
            }
            while let Some((route, reply)) = line.due(self.now_us()) {
                self.socket.send(&reply, route);
            }
            if busy < BATCH {
                let idle = line.idle_us(self.now_us()).map(Duration::from_micros);
                self.socket.wait(idle.unwrap_or(GLANCE).min(GLANCE));
            }
        }
        Ok(())
    }

    fn now_us(&self) -> u64 {
        self.control.0.started.elapsed().as_micros() as u64
    }

    fn answer(&self, datagram: &[u8], route: Route, scratch: &mut Scratch, reply: &mut Vec<u8>) {
        let device = u32::from(route.to).checked_sub(u32::from(self.options.first));
        let Some(device) = device.filter(|d| *d < self.options.devices) else {
            return;
        };
        let Some(request) = Request::decode(datagram) else {
            return;
        };
        if request.community != self.options.community.as_bytes() {
            return;
        }
        let agent = Agent {
            objects: &self.kinds[device as usize % self.kinds.len()],
            moment: Moment {
                shape: &self.options.shape,
                device,
                elapsed_ms: self.control.elapsed_ms(),
            },
            limit: self.options.longest_reply.min(LONGEST_REPLY),
        };
        if !agent.answer(&request, scratch, reply) {
            self.control.0.too_big.fetch_add(1, Ordering::Relaxed);
        }
        self.control.0.replies.fetch_add(1, Ordering::Relaxed);
    }
}
