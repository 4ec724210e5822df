//! The YAML form.

use serde_json::{Map, Value};

use super::super::vars::Vars;
use super::super::{Fault, tree};
use super::{ALL, Tree, UNGROUPED};

/// Deeper nesting is refused.
const DEPTH_MAX: usize = 32;

pub(super) fn read(text: &str) -> Result<Tree, Fault> {
    let root = tree(text)?;
    let mut made = Tree::default();
    match &root {
        Value::Null => Ok(made),
        Value::Object(groups) => {
            for (name, group) in groups {
                read_group(name, group, 0, &mut made)?;
            }
            Ok(made)
        }
        _ => Err(Fault::at(
            1,
            "an inventory is a mapping of groups, as `all: {hosts: {…}, children: {…}}`",
        )),
    }
}

fn read_group(name: &str, group: &Value, depth: usize, made: &mut Tree) -> Result<(), Fault> {
    if depth > DEPTH_MAX {
        let why = format!("`{name}`: groups are nested deeper than {DEPTH_MAX}");
        return Err(Fault::at(0, why));
    }
    made.group(name);
    let Some(group) = mapping(group, name)? else {
        return Ok(());
    };
    for (key, value) in group {
        match key.as_str() {
            "hosts" => {
                let within = if name == ALL { UNGROUPED } else { name };
                for (host, vars) in mapping(value, "hosts")?.into_iter().flatten() {
                    let vars = mapping(vars, host)?.map(vars_of).unwrap_or_default();
                    made.host(within, host, vars);
                }
            }
            "vars" => {
                if let Some(vars) = mapping(value, "vars")? {
                    made.group(name).vars.extend(vars_of(vars));
                }
            }
            "children" => {
                for (child, inside) in mapping(value, "children")?.into_iter().flatten() {
                    made.group(name).children.push(child.clone());
                    read_group(child, inside, depth + 1, made)?;
                }
            }
            other => {
                let why =
                    format!("`{name}` has a key `{other}`: a group has hosts, vars, children");
                return Err(Fault::at(0, why));
            }
        }
    }
    Ok(())
}

fn vars_of(map: &Map<String, Value>) -> Vars {
    map.iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn mapping<'v>(value: &'v Value, what: &str) -> Result<Option<&'v Map<String, Value>>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::Object(map) => Ok(Some(map)),
        _ => Err(Fault::at(0, format!("`{what}` is no mapping"))),
    }
}
