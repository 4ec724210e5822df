//! SNMP v1, v2c and v3 over a few shared sockets.
//!
//! `slots` tells which datagram answers which request, `socket` carries them, `exchange` asks until
//! it is answered, `get` and `walk` ask for much, `plan` knows what, and the tables' own files turn
//! answers into rows; `usm` signs and encrypts for version 3. A reply counts only when it comes from the very address asked, carries the id
//! of a request under way, the community and version, and exactly the objects asked for.

#[cfg(test)]
mod tests;

mod breaker;
mod clock;
pub(crate) mod codec;
mod device;
mod disk;
mod exchange;
mod filesystem;
mod get;
mod greet;
mod host;
mod interface;
mod message;
mod oid;
mod plan;
mod poll;
mod process;
mod profile;
mod record;
mod resolve;
mod scalar;
mod secure;
mod slots;
mod socket;
#[cfg(test)]
mod testing;
mod text;
pub mod trap;
mod ucd_disk;
mod usm;
mod value;
mod walk;

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Attempt;
use crate::inventory::{SnmpAccess, SnmpAuth, Target};
use crate::reading::{Cause, Effort, Failure, Method};
use device::Device;
use exchange::Line;
pub use greet::Greeting;
pub use profile::{Trial, TrialObject, TrialProfile, TrialSection};
pub use record::Keep;
use slots::Peer;
use socket::Sockets;
use usm::{Passwords, Usm};

/// The shared sockets, and what we learned about each device.
pub struct Engine {
    sockets: Sockets,
    devices: Mutex<HashMap<Arc<str>, Known>>,
    passwords: Arc<Passwords>,
}

/// A device under the address and access that it was learned with.
struct Known {
    address: String,
    access: SnmpAccess,
    device: Arc<tokio::sync::Mutex<Device>>,
}

impl Engine {
    /// Opens the sockets and starts the receiving tasks. Must be called inside a tokio runtime.
    pub fn start() -> io::Result<Engine> {
        Ok(Engine {
            sockets: Sockets::open()?,
            devices: Mutex::default(),
            passwords: Arc::new(Passwords::new()),
        })
    }

    /// Polls one device: its readings, or why there are none. Never takes longer than to `deadline`.
    pub async fn collect(
        &self,
        target: &Target,
        access: &SnmpAccess,
        deadline: std::time::Instant,
    ) -> Attempt {
        let deadline = Instant::from_std(deadline);
        let device = self.device(target, access);
        // A poll asked for by hand may meet the scheduled one; each needs the line for itself.
        let Ok(mut device) = tokio::time::timeout_at(deadline, device.lock()).await else {
            let message = "another poll of this device did not end in time";
            return (Effort::default(), Err(Failure::new(Cause::Limit, message)));
        };
        let mut line = match self.open(target, access, &mut device, deadline).await {
            Ok(line) => line,
            Err(failure) => return (Effort::default(), Err(failure)),
        };
        line.device.profiles.follow(&access.profiles);
        line.device.follow_ports(&access.interfaces);
        let mut outcome = poll::poll(&mut line).await;
        let silent = line.is_silent();
        if silent && matches!(&outcome, Err(failure) if failure.cause == Cause::Timeout) {
            line.device.breaker.silent();
        }
        line.device.suspect = outcome.is_err();
        if let (Ok(readings), Some(usm)) = (&mut outcome, &line.usm) {
            readings.events.extend(usm.take_events());
        }
        (line.effort, outcome)
    }

    /// Polls one device as [`Engine::collect`] does and says what every profile made of it.
    pub async fn try_profiles(
        &self,
        target: &Target,
        access: &SnmpAccess,
        deadline: std::time::Instant,
    ) -> (Attempt, Trial) {
        let device = self.device(target, access);
        device.lock().await.profiles.trial = true;
        let attempt = self.collect(target, access, deadline).await;
        let trial = device.lock().await.profiles.trial();
        (attempt, trial)
    }

    /// Walks whole subtrees of a device and hands over each object as it came, in the order of the
    /// device. Never takes longer than to `deadline`. Ends with the reason why there may be more.
    ///
    /// # Errors
    /// When there is nothing at all.
    pub async fn record(
        &self,
        target: &Target,
        access: &SnmpAccess,
        subtrees: &[Vec<u32>],
        deadline: std::time::Instant,
        keep: &mut Keep<'_>,
    ) -> Result<Option<String>, Failure> {
        let deadline = Instant::from_std(deadline);
        let device = self.device(target, access);
        let mut device = device.lock().await;
        let mut line = self.open(target, access, &mut device, deadline).await?;
        let recorded = record::record(&mut line, subtrees, keep).await;
        recorded.map_err(|trouble| line.failure(&trouble))
    }

    /// The line to a device, ready for questions.
    async fn open<'a>(
        &'a self,
        target: &Target,
        access: &SnmpAccess,
        device: &'a mut Device,
        deadline: Instant,
    ) -> Result<Line<'a>, Failure> {
        let address = resolve::resolve(&target.address, device, &self.sockets, deadline).await?;
        let usm = self.usm(access, device, deadline).await?;
        let version = access.auth.version();
        Ok(Line {
            sockets: &self.sockets,
            device,
            peer: Peer {
                address: SocketAddr::new(address, access.port),
                version: message::version_number(version),
                community: community(&access.auth),
            },
            version,
            usm,
            deadline,
            effort: Effort::default(),
            answered: 0,
            heard: false,
            problems: Vec::new(),
        })
    }

    /// Datagrams that matched no request under way: late, duplicate or foreign.
    pub fn stale_replies(&self) -> u64 {
        self.sockets.stale()
    }

    /// Forgets devices that are not in the list any more.
    pub fn keep_only(&self, targets: &[Arc<Target>]) {
        let kept: HashSet<&str> = targets
            .iter()
            .filter(|t| t.way.method == Method::Snmp)
            .map(|t| &*t.host)
            .collect();
        self.devices().retain(|host, _| kept.contains(&**host));
        self.passwords.forget();
    }

    /// What signs and encrypts for the device with version 3; its keys are made when it is new.
    async fn usm(
        &self,
        access: &SnmpAccess,
        device: &mut Device,
        deadline: Instant,
    ) -> Result<Option<Arc<Usm>>, Failure> {
        let SnmpAuth::V3(user) = &access.auth else {
            return Ok(None);
        };
        if device.usm.is_none() {
            let made = Usm::new(user.clone(), self.passwords.clone());
            let made = tokio::time::timeout_at(deadline, made).await.map_err(|_| {
                let message = "the keys of the SNMPv3 user were not ready in time";
                Failure::new(Cause::Limit, message)
            });
            device.usm = Some(Arc::new(made??));
        }
        Ok(device.usm.clone())
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<Arc<str>, Known>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn device(&self, target: &Target, access: &SnmpAccess) -> Arc<tokio::sync::Mutex<Device>> {
        let mut devices = self.devices();
        match devices.get(&target.host) {
            Some(known)
                if known.address == target.address && known.access.is_same_device(access) =>
            {
                known.device.clone()
            }
            _ => {
                let device = Arc::<tokio::sync::Mutex<Device>>::default();
                let known = Known {
                    address: target.address.clone(),
                    access: access.clone(),
                    device: device.clone(),
                };
                devices.insert(target.host.clone(), known);
                device
            }
        }
    }
}

/// The community of versions 1 and 2c.
fn community(auth: &SnmpAuth) -> Arc<[u8]> {
    match auth {
        SnmpAuth::V1 { community } | SnmpAuth::V2c { community } => {
            Arc::from(community.expose().as_bytes())
        }
        SnmpAuth::V3(_) => Arc::default(),
    }
}
