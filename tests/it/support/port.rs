//! Free ports that stay free: below the range that the kernel hands out by itself, and reserved by
//! a file lock against other test runs on the machine.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
/// Each leaves an empty lock file behind, so not more than needed.
const COUNT: u16 = 2_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1, for TCP and UDP, that nobody else takes as long as this value lives.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _reservation: File,
}

impl Port {
    pub(crate) fn free() -> Port {
        let directory =
            std::env::temp_dir().join(format!("eider-test-ports-{}", super::process::uid()));
        std::fs::create_dir_all(&directory).expect("the temporary directory is writable");
        for _ in 0..COUNT {
            let number = candidate();
            let Ok(reservation) = File::create(directory.join(number.to_string())) else {
                continue;
            };
            if reservation.try_lock().is_ok() && is_free(number) {
                return Port {
                    number,
                    _reservation: reservation,
                };
            }
        }
        panic!("no free port between {FIRST} and {}", FIRST + COUNT);
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

/// Runs at the same time begin in different places, so that they seldom meet.
fn candidate() -> u16 {
    let start = (std::process::id() % u32::from(COUNT)) * 37 % u32::from(COUNT);
    let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let offset = (start + step) % u32::from(COUNT);
    FIRST + u16::try_from(offset).expect("below COUNT")
}

fn is_free(number: u16) -> bool {
    TcpListener::bind(("127.0.0.1", number)).is_ok()
        && UdpSocket::bind(("127.0.0.1", number)).is_ok()
}
