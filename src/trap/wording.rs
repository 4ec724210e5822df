//! One sentence for a trap.

use std::fmt::Write;

use super::name::Names;
use super::{Content, Trap, Varbind};

/// Varbinds beyond these are counted only.
const MOST_VARBINDS: usize = 32;
/// Characters of one value.
const LONGEST_VALUE: usize = 200;
/// Characters of the details together, about.
const LONGEST: usize = 1_000;
/// snmpTrapCommunity: forwarders add it, and it is a secret.
const COMMUNITY: &[u32] = &[1, 3, 6, 1, 6, 3, 18, 1, 4];

/// `linkDown [3]: ifIndex 3, ifAdminStatus up, ifOperStatus down`: the trap's name, the index that
/// all its named objects share, and its details. What has no name is shown by its number.
pub fn sentence(trap: &Trap, names: &Names) -> String {
    let mut text = match names.trap(&trap.oid) {
        Some(name) => name.to_owned(),
        None => format!("trap {}", dotted(&trap.oid)),
    };
    let shown: Vec<&Varbind> = trap
        .varbinds
        .iter()
        .filter(|v| !v.oid.starts_with(COMMUNITY))
        .collect();
    let shared = shared_index(&shown, names);
    if let Some(index) = shared {
        push(&mut text, format_args!(" [{}]", dotted(index)));
    }
    let mut left = shown.len();
    for (position, varbind) in shown.iter().take(MOST_VARBINDS).enumerate() {
        if text.len() > LONGEST {
            break;
        }
        text.push_str(if position == 0 { ": " } else { ", " });
        push_varbind(varbind, shared.is_some(), names, &mut text);
        left -= 1;
    }
    if left > 0 {
        push(&mut text, format_args!(" … and {left} more"));
    }
    if let Some(agent) = trap.agent {
        push(&mut text, format_args!(" (agent address {agent})"));
    }
    text
}

/// The index of all objects with a name that have one, when it is the same.
fn shared_index<'v>(varbinds: &[&'v Varbind], names: &Names) -> Option<&'v [u32]> {
    let mut indexes = varbinds
        .iter()
        .filter_map(|v| names.object(&v.oid))
        .map(|(_, index)| index)
        .filter(|index| !matches!(index, [] | [0]));
    let first = indexes.next()?;
    indexes.all(|index| index == first).then_some(first)
}

fn push_varbind(varbind: &Varbind, index_is_told: bool, names: &Names, text: &mut String) {
    match names.object(&varbind.oid) {
        Some((name, [] | [0])) => text.push_str(name),
        Some((name, _)) if index_is_told => text.push_str(name),
        Some((name, index)) => push(text, format_args!("{name}.{}", dotted(index))),
        None => push(text, format_args!("{} =", dotted(&varbind.oid))),
    }
    text.push(' ');
    match &varbind.content {
        Content::Int(n) => match names.word(&varbind.oid, *n) {
            Some(word) => text.push_str(word),
            None => push(text, format_args!("{n}")),
        },
        Content::Unsigned(n) => push(text, format_args!("{n}")),
        Content::Float(n) => push(text, format_args!("{n}")),
        Content::Ticks(n) => push(text, format_args!("{}.{:02} s", n / 100, n % 100)),
        Content::Text(value) => push_cut(value, text),
        Content::Oid(oid) => match names.object(oid) {
            Some((name, [])) => text.push_str(name),
            _ => text.push_str(&dotted(oid)),
        },
        Content::Address(address) => push(text, format_args!("{address}")),
        Content::Nothing => text.push('–'),
    }
}

fn push_cut(value: &str, text: &mut String) {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => {
            text.push_str(&value[..end]);
            text.push('…');
        }
        None => text.push_str(value),
    }
}

fn dotted(arcs: &[u32]) -> String {
    let mut text = String::new();
    for arc in arcs {
        if !text.is_empty() {
            text.push('.');
        }
        push(&mut text, format_args!("{arc}"));
    }
    text
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A String takes any text.
    let _ = text.write_fmt(what);
}
