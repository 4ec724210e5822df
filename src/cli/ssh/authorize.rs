//! `eider ssh authorize`: the line of authorized_keys that lets polling in and nothing else.

use std::net::UdpSocket;

use anyhow::{Context, bail};

use crate::cli::output::visible;
use crate::collect::ssh::public_key;
use crate::inventory::{Access, SshAuth, Target};

/// The probe comes on standard input: this is all that has to be allowed.
const COMMAND: &str = "/bin/sh -s";

/// The line, with its end. `from`: as the host sees us, else the address that we would send from.
pub(super) fn line(target: &Target, from: Option<&str>) -> anyhow::Result<String> {
    let Access::Ssh(access) = &target.access else {
        bail!("this host is not polled by ssh (collect: [ssh])");
    };
    let key = match &access.auth {
        SshAuth::Key { key_file, .. } => public_key(key_file).map_err(anyhow::Error::msg)?,
        SshAuth::Password(_) => bail!("its credential is a password: authorized_keys is for keys"),
        SshAuth::Agent => bail!(
            "its credential is an agent, which may hold many keys: `ssh-add -L` lists them; make it `type: ssh-key` to name one"
        ),
    };
    let from = match from {
        Some(from) => from.to_owned(),
        None => own_address(&target.address, access.port).with_context(|| {
            format!(
                "how {} sees this machine is not known; say it with --from",
                visible(&target.address)
            )
        })?,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:/,-*?!_".contains(c);
    if from.is_empty() || !from.chars().all(plain) {
        bail!(
            "`{}` cannot stand in from=: addresses, networks and patterns can, with commas",
            visible(&from)
        );
    }
    Ok(format!(
        "restrict,from=\"{from}\",command=\"{COMMAND}\" {key} eider\n"
    ))
}

/// The address that packets to this host would leave from. Nothing is sent.
fn own_address(host: &str, port: u16) -> anyhow::Result<String> {
    let mut last = None;
    for any in ["0.0.0.0:0", "[::]:0"] {
        let socket = UdpSocket::bind(any);
        match socket.and_then(|s| s.connect((host, port)).and_then(|()| s.local_addr())) {
            Ok(address) => return Ok(address.ip().to_string()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| anyhow::anyhow!("no address"), anyhow::Error::from))
}
