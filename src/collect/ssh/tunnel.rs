//! The thread that carries what goes through jump hosts: it owns their sessions and moves octets
//! between a channel of each and our end of the connection behind it.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError, mpsc};

use ssh2::{BlockDirections, Channel};

use super::session::Remote;

/// Octets under way in one direction.
const BUFFER: usize = 32 * 1024;
const STACK_BYTES: usize = 256 * 1024;
/// Nothing is missed by waiting longer; the thread only looks whether it is to end.
const PAUSE_MS: i32 = 60_000;

/// The way to the thread, which is started by the first tunnel and ends when this is dropped.
#[derive(Default)]
pub(super) struct Tunnels(Mutex<Option<Thread>>);

struct Thread {
    fresh: mpsc::Sender<Tunnel>,
    /// A byte on it wakes the thread; its end ends it.
    bell: UnixStream,
}

impl Tunnels {
    /// Carries from now on what goes between the channel and `local`, until one of them ends.
    pub(super) fn carry(
        &self,
        front: Remote,
        channel: Channel,
        local: UnixStream,
    ) -> io::Result<()> {
        local.set_nonblocking(true)?;
        front.session.set_blocking(false);
        let tunnel = Tunnel {
            channel,
            front,
            local,
            outward: Buffer::new(),
            inward: Buffer::new(),
        };
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = match &mut *thread {
            Some(thread) => thread,
            none => none.insert(start()?),
        };
        let gone = || io::Error::other("the thread has ended");
        thread.fresh.send(tunnel).map_err(|_| gone())?;
        (&thread.bell).write_all(&[0])
    }
}

fn start() -> io::Result<Thread> {
    let (bell, ear) = UnixStream::pair()?;
    ear.set_nonblocking(true)?;
    let (fresh, arriving) = mpsc::channel();
    std::thread::Builder::new()
        .name("ssh-tunnels".into())
        .stack_size(STACK_BYTES)
        .spawn(move || run(&ear, &arriving))?;
    Ok(Thread { fresh, bell })
}

fn run(ear: &UnixStream, arriving: &mpsc::Receiver<Tunnel>) {
    let mut tunnels: Vec<Tunnel> = Vec::new();
    let mut rung = [0; 64];
    loop {
        let mut fds = vec![pollfd(ear.as_raw_fd(), libc::POLLIN)];
        for tunnel in &tunnels {
            fds.extend(tunnel.waits_for());
        }
        if !wait(&mut fds) {
            return;
        }
        match (&*ear).read(&mut rung) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        let mut heard = fds[1..].chunks_exact(2);
        tunnels.retain_mut(|tunnel| {
            let Some([local, far]) = heard.next() else {
                return false;
            };
            // Our end has gone: nobody waits for what is still under way.
            let over = local.revents & (libc::POLLHUP | libc::POLLERR) != 0;
            let quiet = local.revents == 0 && far.revents == 0;
            !over && (quiet || tunnel.carry())
        });
        for mut tunnel in arriving.try_iter() {
            if tunnel.carry() {
                tunnels.push(tunnel);
            }
        }
    }
}

fn pollfd(fd: RawFd, events: i16) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

/// Until one of them is ready; `false` when the kernel refuses to wait.
fn wait(fds: &mut [libc::pollfd]) -> bool {
    // The array lives through the call and its length is its own.
    #[allow(unsafe_code)]
    let ready = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, PAUSE_MS) };
    ready >= 0 || io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
}

/// One connection through one jump host.
struct Tunnel {
    /// Before the session that it is of.
    channel: Channel,
    front: Remote,
    local: UnixStream,
    /// From us to the channel.
    outward: Buffer,
    inward: Buffer,
}

impl Tunnel {
    fn waits_for(&self) -> [libc::pollfd; 2] {
        let mut local = 0;
        if self.outward.is_empty() {
            local |= libc::POLLIN;
        }
        if !self.inward.is_empty() {
            local |= libc::POLLOUT;
        }
        let mut far = 0;
        // Nobody takes more from the far side than the near side takes.
        if self.inward.is_empty() {
            far |= libc::POLLIN;
        }
        let blocked = self.front.session.block_directions();
        if matches!(blocked, BlockDirections::Outbound | BlockDirections::Both) {
            far |= libc::POLLOUT;
        }
        if !self.outward.is_empty() {
            // A full window opens by a message.
            far |= libc::POLLIN;
        }
        let stream = self.front.stream.as_raw_fd();
        [pollfd(self.local.as_raw_fd(), local), pollfd(stream, far)]
    }

    /// Moves what can be moved; `false` when it is over.
    fn carry(&mut self) -> bool {
        loop {
            let moved = [
                self.inward.fill(&mut self.channel),
                self.inward.drain(&mut self.local),
                self.outward.fill(&mut self.local),
                self.outward.drain(&mut self.channel),
            ];
            if moved.contains(&Moved::End) {
                return false;
            }
            if !moved.contains(&Moved::Some) {
                return !self.channel.eof();
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    Nothing,
    Some,
    End,
}

/// Octets that were read and are not written yet.
struct Buffer {
    octets: Box<[u8]>,
    from: usize,
    to: usize,
}

impl Buffer {
    fn new() -> Buffer {
        Buffer {
            octets: vec![0; BUFFER].into(),
            from: 0,
            to: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.from == self.to
    }

    fn fill(&mut self, source: &mut impl Read) -> Moved {
        if !self.is_empty() {
            return Moved::Nothing;
        }
        match source.read(&mut self.octets) {
            Ok(0) => Moved::End,
            Ok(count) => {
                (self.from, self.to) = (0, count);
                Moved::Some
            }
            Err(error) => waiting(&error),
        }
    }

    fn drain(&mut self, sink: &mut impl Write) -> Moved {
        if self.is_empty() {
            return Moved::Nothing;
        }
        match sink.write(&self.octets[self.from..self.to]) {
            Ok(0) => Moved::Nothing,
            Ok(count) => {
                self.from += count;
                Moved::Some
            }
            Err(error) => waiting(&error),
        }
    }
}

fn waiting(error: &io::Error) -> Moved {
    use io::ErrorKind::{Interrupted, WouldBlock};
    match error.kind() {
        WouldBlock | Interrupted => Moved::Nothing,
        _ => Moved::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_passes_on_what_it_took() {
        let mut buffer = Buffer::new();
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        assert_eq!(buffer.fill(&mut near), Moved::Nothing);
        far.write_all(b"abc").unwrap();
        assert_eq!(buffer.fill(&mut near), Moved::Some);
        far.write_all(b"d").unwrap();
        assert_eq!(buffer.fill(&mut near), Moved::Nothing, "first the old ones");
        let mut sink = Vec::new();
        assert_eq!(buffer.drain(&mut sink), Moved::Some);
        assert!(buffer.is_empty());
        assert_eq!(buffer.fill(&mut near), Moved::Some);
        assert_eq!(buffer.drain(&mut sink), Moved::Some);
        assert_eq!(sink, b"abcd");
        drop(far);
        assert_eq!(buffer.fill(&mut near), Moved::End);
    }
}
