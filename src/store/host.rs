//! Brings hosts, groups and labels in line with the inventory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use duckdb::{Connection, params};

use crate::intake::HostId;
use crate::inventory::{Host, Inventory};
use crate::reading::UnixSeconds;

use super::StoreError;
use super::append::{Slot, flush, put};

/// One row of `raw.host`.
#[derive(Clone)]
struct Known {
    id: HostId,
    address: String,
    removed: bool,
}

/// See [`super::Recorder::sync_hosts`]; the caller holds the transaction.
pub(super) fn sync(
    connection: &Connection,
    inventory: &Inventory,
    now: UnixSeconds,
) -> Result<Vec<(Arc<str>, HostId)>, StoreError> {
    let mut known = read(connection)?;
    rename(connection, inventory, &mut known, now)?;
    let mut next = known.values().map(|k| k.id).max().unwrap_or(0) + 1;
    let mut ids = Vec::with_capacity(inventory.hosts.len());
    let mut new = Vec::new();
    for (name, host) in &inventory.hosts {
        if let Some(row) = known.get(&**name) {
            ids.push((name.clone(), row.id));
            refresh(connection, row, host)?;
        } else {
            ids.push((name.clone(), next));
            new.push((next, host));
            next += 1;
        }
    }
    insert(connection, &new, now)?;
    for (name, row) in &known {
        if !row.removed && !inventory.hosts.contains_key(name.as_str()) {
            let sql = "UPDATE raw.host SET removed_at = to_timestamp(?) WHERE id = ?";
            connection.execute(sql, params![now, row.id])?;
        }
    }
    groups(connection, inventory, &ids)?;
    labels(connection, inventory, &ids)?;
    Ok(ids)
}

fn read(connection: &Connection) -> Result<HashMap<String, Known>, StoreError> {
    let mut statement =
        connection.prepare("SELECT name, id, address, removed_at IS NOT NULL FROM raw.host")?;
    let rows = statement.query_map([], |row| {
        let known = Known {
            id: row.get(1)?,
            address: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            removed: row.get(3)?,
        };
        Ok((row.get(0)?, known))
    })?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// Gives the row of a former name to the host that says `renamed_from`, unless that host is known
/// already or the former name's own host still needs the row. Chains (a → b, b → c) are resolved
/// from their end.
fn rename(
    connection: &Connection,
    inventory: &Inventory,
    known: &mut HashMap<String, Known>,
    now: UnixSeconds,
) -> Result<(), StoreError> {
    loop {
        let step = inventory.hosts.values().find_map(|host| {
            let former = host.renamed_from.as_deref()?;
            let needed = inventory.hosts.get(former).is_some_and(|other| {
                let from = other.renamed_from.as_deref();
                !from.is_some_and(|f| known.contains_key(f))
            });
            let free = !known.contains_key(&*host.name) && known.contains_key(former) && !needed;
            free.then(|| (former.to_owned(), host.name.clone()))
        });
        let Some((former, name)) = step else {
            return Ok(());
        };
        let Some(row) = known.remove(&former) else {
            return Ok(());
        };
        connection.execute(
            "UPDATE raw.host SET name = ? WHERE id = ?",
            params![&*name, row.id],
        )?;
        connection.execute(
            "INSERT INTO raw.event (ts, host_id, kind, subject, message)
                 VALUES (to_timestamp(?), ?, 'rename', '', ?)",
            params![now, row.id, format!("host renamed from {former} to {name}")],
        )?;
        known.insert(name.to_string(), row);
    }
}

fn refresh(connection: &Connection, row: &Known, host: &Host) -> Result<(), StoreError> {
    if row.address == host.address && !row.removed {
        return Ok(());
    }
    connection.execute(
        "UPDATE raw.host SET address = ?, removed_at = NULL WHERE id = ?",
        params![host.address, row.id],
    )?;
    Ok(())
}

fn insert(
    connection: &Connection,
    new: &[(HostId, &Arc<Host>)],
    now: UnixSeconds,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let mut appender = connection.appender_to_db("host", "raw")?;
    for (id, host) in new {
        let row = [
            Slot::Small(*id),
            Slot::Text(&host.name),
            Slot::Text(&host.address),
            Slot::at(now),
            Slot::Null,
        ];
        put(&mut appender, &row)?;
    }
    flush(appender)
}

fn groups(
    connection: &Connection,
    inventory: &Inventory,
    ids: &[(Arc<str>, HostId)],
) -> Result<(), StoreError> {
    let mut wanted = BTreeSet::new();
    for ((_, host), (_, id)) in inventory.hosts.iter().zip(ids) {
        wanted.extend(host.groups.iter().map(|g| (*id, g.clone())));
    }
    let stored: BTreeSet<(HostId, String)> = pairs(
        connection,
        "SELECT host_id, group_name FROM raw.host_group",
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if stored == wanted {
        return Ok(());
    }
    replace(connection, "host_group", wanted.iter(), |(id, group)| {
        vec![Slot::Small(*id), Slot::Text(group)]
    })
}

fn labels(
    connection: &Connection,
    inventory: &Inventory,
    ids: &[(Arc<str>, HostId)],
) -> Result<(), StoreError> {
    let mut wanted = BTreeMap::new();
    for ((_, host), (_, id)) in inventory.hosts.iter().zip(ids) {
        let own = host.labels.iter();
        wanted.extend(own.map(|(label, value)| ((*id, label.clone()), value.clone())));
    }
    let stored: BTreeMap<(HostId, String), String> = pairs(
        connection,
        "SELECT host_id, label, value FROM raw.host_label",
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )?;
    if stored == wanted {
        return Ok(());
    }
    replace(
        connection,
        "host_label",
        wanted.iter(),
        |((id, label), value)| vec![Slot::Small(*id), Slot::Text(label), Slot::Text(value)],
    )
}

fn pairs<T, C: FromIterator<T>>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&duckdb::Row<'_>) -> duckdb::Result<T>,
) -> Result<C, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], read)?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// Empties the table and appends these rows.
fn replace<'r, R>(
    connection: &Connection,
    table: &str,
    rows: impl Iterator<Item = R>,
    slots: impl Fn(R) -> Vec<Slot<'r>>,
) -> Result<(), StoreError> {
    connection.execute_batch(&format!("DELETE FROM raw.{table}"))?;
    let mut appender = connection.appender_to_db(table, "raw")?;
    for row in rows {
        put(&mut appender, &slots(row))?;
    }
    flush(appender)
}
