//! The INI form.

use serde_json::Value;

use super::super::Fault;
use super::super::vars::Vars;
use super::{Tree, UNGROUPED};

enum Section {
    Hosts(String),
    Children(String),
    Vars(String),
}

pub(super) fn read(text: &str) -> Result<Tree, Fault> {
    let mut tree = Tree::default();
    let mut section = Section::Hosts(UNGROUPED.into());
    for (at, line) in text.lines().enumerate() {
        let line_number = at + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(head) = line.strip_prefix('[') {
            section = head_of(head, line_number)?;
            if let Section::Hosts(group) = &section {
                tree.group(group);
            }
            continue;
        }
        match &section {
            Section::Hosts(group) => {
                let (name, vars) = host(line, line_number)?;
                tree.host(group, &name, vars);
            }
            Section::Children(group) => {
                let child = line.split([' ', '\t', '#']).next().unwrap_or(line);
                tree.group(child);
                tree.group(group).children.push(child.to_owned());
            }
            Section::Vars(group) => {
                let Some((name, value)) = line.split_once('=') else {
                    return Err(Fault::at(line_number, "a variable is written `name=value`"));
                };
                let value = unquoted(value.trim());
                let vars = &mut tree.group(group).vars;
                vars.insert(name.trim().to_owned(), Value::String(value));
            }
        }
    }
    Ok(tree)
}

fn head_of(head: &str, line: usize) -> Result<Section, Fault> {
    let Some((inside, _)) = head.split_once(']') else {
        return Err(Fault::at(line, "a `[` without its `]`"));
    };
    let (name, kind) = inside.split_once(':').unwrap_or((inside, "hosts"));
    let name = name.trim().to_owned();
    match kind.trim() {
        "hosts" => Ok(Section::Hosts(name)),
        "children" => Ok(Section::Children(name)),
        "vars" => Ok(Section::Vars(name)),
        other => {
            let why =
                format!("`[{name}:{other}]`: a section is a group, `:children` or `:vars` of one");
            Err(Fault::at(line, why))
        }
    }
}

/// `web[01:20].example.net:2222 ansible_user=root comment="two words" # not this`
fn host(line: &str, number: usize) -> Result<(String, Vars), Fault> {
    let words = words(line).ok_or_else(|| Fault::at(number, "a quote is not closed"))?;
    let mut vars = Vars::new();
    let (first, rest) = words
        .split_first()
        .ok_or_else(|| Fault::at(number, "a host has a name"))?;
    for word in rest {
        let Some((name, value)) = word.split_once('=') else {
            let why = format!("`{word}`: behind the host stand variables, `name=value`");
            return Err(Fault::at(number, why));
        };
        vars.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    // A port behind the name; a range has its colons within brackets, an IPv6 address several.
    let plain = first.matches(':').count() == 1 || first.ends_with(|c: char| c.is_ascii_digit());
    let port = first
        .rsplit_once(':')
        .filter(|(name, port)| plain && !name.is_empty() && port.parse::<u16>().is_ok())
        .filter(|(name, _)| name.matches('[').count() == name.matches(']').count())
        .filter(|(name, _)| !name.contains(':') || name.contains('['));
    match port {
        Some((name, port)) => {
            vars.entry("ansible_port".into())
                .or_insert_with(|| Value::String(port.to_owned()));
            Ok((name.to_owned(), vars))
        }
        None => Ok((first.clone(), vars)),
    }
}

/// Words as a shell sees them; `None` when a quote stays open.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut within = false;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                within = true;
            }
            None if c == '#' && !within => break,
            None if c.is_whitespace() => {
                if within {
                    words.push(std::mem::take(&mut word));
                }
                within = false;
            }
            None => {
                word.push(c);
                within = true;
            }
        }
    }
    if within {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        let inside = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inside) = inside {
            return inside.to_owned();
        }
    }
    value.to_owned()
}
