//! `snmp.yml` of snmp_exporter: its `auths` are our credentials.

use serde_json::Value;

use super::{Fault, Imported, text_of, tree, word};
use crate::inventory::{Outline, Secret};

type Keys = Vec<(&'static str, String)>;

pub(super) fn read(text: &str) -> Result<Imported, Fault> {
    let root = tree(text)?;
    let Value::Object(root) = &root else {
        return Err(Fault::at(1, "snmp.yml is a mapping with `auths`"));
    };
    let mut imported = Imported::default();
    let mut credentials = Vec::new();
    match root.get("auths").and_then(Value::as_object) {
        Some(auths) => {
            for (name, auth) in auths {
                credentials.extend(credential(name, auth, auth, &mut imported));
            }
        }
        // Until version 0.22 each module had its own.
        None => {
            for (name, module) in root {
                if let Some(auth) = module.get("auth") {
                    credentials.extend(credential(name, auth, module, &mut imported));
                }
            }
        }
    }
    if credentials.is_empty() {
        let why = "no `auths` in it, and no module with an `auth`: nothing to bring";
        return Err(Fault::at(0, why));
    }
    if root.get("modules").is_some_and(|m| !m.is_null()) {
        imported.remarks.push(
            "modules are not brought: `collect: [snmp]` asks every device for what it offers; profiles take their place (docs/profiles.md)"
                .into(),
        );
    }
    imported.outline = Outline {
        credentials,
        ..Outline::default()
    };
    Ok(imported)
}

fn credential(
    name: &str,
    auth: &Value,
    versioned: &Value,
    imported: &mut Imported,
) -> Option<(String, Keys)> {
    let get = |key: &str| auth.get(key).and_then(text_of).filter(|t| !t.is_empty());
    let version = versioned.get("version").and_then(text_of);
    let name = word(name);
    let mut keep = |what: &str, secret: String| {
        let path = format!("secrets/{name}-{what}");
        let reference = format!("file:{path}");
        imported.secrets.push((path, Secret::new(secret)));
        reference
    };
    let keys = match version.as_deref().unwrap_or("2") {
        "3" => {
            let mut keys = vec![("type", "snmp-v3".to_owned())];
            keys.push(("user", get("username").unwrap_or_default()));
            let level = get("security_level").unwrap_or_else(|| "noAuthNoPriv".into());
            if level.starts_with("auth") {
                let protocol = get("auth_protocol").unwrap_or_else(|| "MD5".into());
                keys.push(("auth", auth_word(&protocol)));
                let secret = get("password").unwrap_or_default();
                keys.push(("auth_secret", keep("auth", secret)));
            }
            if level.eq_ignore_ascii_case("authPriv") {
                let protocol = get("priv_protocol").unwrap_or_else(|| "DES".into());
                keys.push(("priv", priv_word(&protocol)));
                let secret = get("priv_password").unwrap_or_default();
                keys.push(("priv_secret", keep("priv", secret)));
            }
            keys.extend(get("context_name").map(|context| ("context", context)));
            keys
        }
        version => {
            let kind = if version == "1" {
                "snmp-v1"
            } else {
                "snmp-v2c"
            };
            let community = get("community").unwrap_or_else(|| "public".into());
            vec![
                ("type", kind.to_owned()),
                ("community", keep("community", community)),
            ]
        }
    };
    if keys.iter().any(|(_, value)| value.is_empty()) {
        let remark = format!("`{name}` is not whole: a user, a password or a protocol is missing");
        imported.remarks.push(remark);
        return None;
    }
    Some((name, keys))
}

/// SHA → sha1, SHA256 → sha256.
fn auth_word(protocol: &str) -> String {
    match protocol.to_ascii_lowercase().as_str() {
        "sha" => "sha1".into(),
        other => other.into(),
    }
}

/// AES → aes128, AES256C → aes256c.
fn priv_word(protocol: &str) -> String {
    match protocol.to_ascii_lowercase().as_str() {
        "aes" => "aes128".into(),
        other => other.into(),
    }
}
