//! A target as `eider host NAME` tells it, each value with its origin.

use super::host::{Access, HostKeyPolicy, Origin, SnmpAuth, SshAuth, Target};
use super::problem::Problems;
use super::resolve::Effective;
use super::ssh_file::ViaDraft;

/// The lines of `eider host NAME` about one target.
pub(super) fn describe(
    target: &Target,
    values: &Effective<'_>,
    problems: &Problems<'_>,
    add: &mut impl FnMut(&str, String, Option<Origin>),
) {
    macro_rules! origin {
        ($field:ident) => {
            values.$field.as_ref().map(|found| found.origin(problems))
        };
    }
    match &target.access {
        // Its port stands in `collect`.
        Access::Local | Access::Push | Access::Ping | Access::Tcp { .. } => {}
        Access::Http(access) => {
            let found = values.http.iter().find(|(name, _)| **name == *access.name);
            let origin = || found.map(|(_, found)| found.origin(problems));
            let mut line = |key: &str, value: String| {
                add(&format!("http.{}.{key}", access.name), value, origin());
            };
            for (key, value) in access.lines() {
                line(key, value);
            }
        }
        Access::Snmp(access) => {
            add("snmp.port", access.port.to_string(), origin!(snmp_port));
            if values.snmp_interfaces.is_some() {
                let said = access.interfaces.describe();
                add("snmp.interfaces", said, origin!(snmp_interfaces));
            }
            for (key, value) in snmp_auth(&access.auth) {
                add(key, value, origin!(credentials));
            }
        }
        Access::Ssh(access) => {
            let policy = match access.host_keys {
                HostKeyPolicy::Strict => "strict",
                HostKeyPolicy::Tofu => "tofu",
            };
            let user = origin!(ssh_user).or(origin!(credentials));
            add("ssh.port", access.port.to_string(), origin!(ssh_port));
            add("ssh.user", access.user.clone(), user);
            match &access.auth {
                SshAuth::Key { key_file, .. } => {
                    add("ssh.key_file", key_file.clone(), origin!(credentials));
                }
                SshAuth::Password(_) => {
                    add("ssh.password", "[redacted]".into(), origin!(credentials));
                }
                SshAuth::Agent => add("ssh.agent", "yes".into(), origin!(credentials)),
            }
            add("ssh.host_keys", policy.into(), origin!(ssh_host_keys));
            match values.ssh_via.as_ref().map(|found| found.value) {
                Some(ViaDraft::Jump(name)) => add("ssh.jump", name.clone(), origin!(ssh_via)),
                Some(ViaDraft::Directly) => add("ssh.jump", "none".into(), origin!(ssh_via)),
                Some(ViaDraft::Command(words)) => {
                    add("ssh.proxy_command", words.join(" "), origin!(ssh_via));
                }
                None => {}
            }
        }
    }
}

/// What lets us in by SNMP, as shown to people.
fn snmp_auth(auth: &SnmpAuth) -> Vec<(&'static str, String)> {
    let hidden = || "[redacted]".to_owned();
    let user = match auth {
        SnmpAuth::V1 { .. } => {
            return vec![("snmp.version", "1".into()), ("snmp.community", hidden())];
        }
        SnmpAuth::V2c { .. } => {
            return vec![("snmp.version", "2c".into()), ("snmp.community", hidden())];
        }
        SnmpAuth::V3(user) => user,
    };
    let none = || "none".to_owned();
    let privacy = user.auth.as_ref().and_then(|auth| auth.privacy.as_ref());
    let mut lines = vec![
        ("snmp.version", "3".into()),
        ("snmp.user", user.name.clone()),
        (
            "snmp.auth",
            user.auth
                .as_ref()
                .map_or_else(none, |auth| auth.protocol.as_str().into()),
        ),
        (
            "snmp.priv",
            privacy.map_or_else(none, |privacy| privacy.protocol.as_str().into()),
        ),
    ];
    if !user.context.is_empty() {
        lines.push(("snmp.context", user.context.clone()));
    }
    lines
}
