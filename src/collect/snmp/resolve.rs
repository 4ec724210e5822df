//! From a host's name to its address.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

use super::device::Device;
use super::socket::Sockets;
use crate::reading::{Cause, Failure};

/// A name is asked for again after this long.
const FRESH_FOR: Duration = Duration::from_secs(300);
/// While DNS fails, the last good address serves this long.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3_600);
/// With an address at hand DNS gets no more than this.
const DNS_PATIENCE: Duration = Duration::from_secs(2);

/// The device's address: written as such, remembered, or asked of DNS.
pub(super) async fn resolve(
    name: &str,
    device: &mut Device,
    sockets: &Sockets,
    deadline: Instant,
) -> Result<IpAddr, Failure> {
    if let Ok(address) = name.parse() {
        return usable(name, vec![address], None, sockets);
    }
    let (known, age) = match device.address {
        Some((address, since)) => (Some(address), since.elapsed()),
        None => (None, Duration::MAX),
    };
    if let Some(address) = known
        && age < FRESH_FOR
    {
        return Ok(address);
    }
    let last_good = known.filter(|_| age < GOOD_FOR);
    let until = match last_good {
        Some(_) => deadline.min(Instant::now() + DNS_PATIENCE),
        None => deadline,
    };
    let why = match timeout_at(until, lookup_host((name, 0))).await {
        Ok(Ok(found)) => {
            let found = found.map(|a| a.ip()).collect();
            let address = usable(name, found, known, sockets)?;
            device.address = Some((address, Instant::now()));
            return Ok(address);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "DNS did not answer in time".to_string(),
    };
    last_good.ok_or_else(|| {
        let message = format!("cannot resolve {name}: {why} (check the name or give an address)");
        Failure::new(Cause::Resolve, message)
    })
}

/// The address used so far if it still is one of them, else the first that we can send to.
fn usable(
    name: &str,
    found: Vec<IpAddr>,
    known: Option<IpAddr>,
    sockets: &Sockets,
) -> Result<IpAddr, Failure> {
    if let Some(known) = known.filter(|k| found.contains(k)) {
        return Ok(known);
    }
    let first = found.first().copied();
    found
        .into_iter()
        .find(|a| sockets.speaks(*a))
        .ok_or_else(|| match first {
            Some(address) => Failure::new(
                Cause::Unreachable,
                format!("cannot reach {address}: this machine has no such network protocol"),
            ),
            None => Failure::new(Cause::Resolve, format!("{name} has no address")),
        })
}
