//! `systemctl list-units --all --type=service --plain`: services and their states.

use super::{Report, lines};
use crate::machine::text;
use crate::reading::{EntityKey, Row, Value};
use crate::table::SERVICE;

/// More services than this are cut: the failed ones stay, then those that are not at rest.
const SERVICES_MAX: usize = 500;

/// One row per service. `None` where no systemd runs, or it told nothing.
pub(in crate::collect) fn rows(report: &Report<'_>) -> Option<Vec<Row>> {
    let mut units: Vec<Unit<'_>> = lines(report.get("units")?).filter_map(Unit::read).collect();
    if units.is_empty() {
        return None;
    }
    units.sort_by_key(|unit| match unit.state {
        "failed" => 0,
        "inactive" => 2,
        _ => 1,
    });
    units.truncate(SERVICES_MAX);
    Some(units.iter().map(Unit::row).collect())
}

struct Unit<'a> {
    name: &'a str,
    state: &'a str,
    sub_state: &'a str,
    description: &'a str,
}

impl<'a> Unit<'a> {
    /// `UNIT LOAD ACTIVE SUB DESCRIPTION`; older versions put a dot before those in trouble. What
    /// another unit only names (`not-found`) is not there.
    fn read(line: &'a str) -> Option<Unit<'a>> {
        let line = line.trim_start_matches(['●', '*', '○', '×', ' ']);
        let (name, rest) = line.split_once(' ')?;
        let (load, rest) = rest.trim_start().split_once(' ')?;
        let (state, rest) = rest.trim_start().split_once(' ')?;
        let rest = rest.trim_start();
        let (sub_state, description) = rest.split_once(' ').unwrap_or((rest, ""));
        let known = matches!(
            state,
            "active"
                | "inactive"
                | "failed"
                | "activating"
                | "deactivating"
                | "reloading"
                | "maintenance"
        );
        let there = load != "not-found" && name.ends_with(".service");
        (known && there).then_some(Unit {
            name,
            state,
            sub_state,
            description,
        })
    }

    fn row(&self) -> Row {
        let name = crate::machine::clean(self.name.trim_end_matches(".service"));
        let mut row = Row::new(&SERVICE, Some(EntityKey::named(name)));
        row.set(&SERVICE, "state", text(Some(self.state)));
        row.set(&SERVICE, "sub_state", text(Some(self.sub_state)));
        row.set(&SERVICE, "failed", Value::Bool(self.state == "failed"));
        row.set_fact(&SERVICE, "description", text(Some(self.description)));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_ones_come_first_and_what_is_not_there_is_left_out() {
        let told = "cron.service loaded active running Regular background program processing daemon\n\
            ● nginx.service loaded failed failed A high performance web server\n\
            plymouth.service not-found inactive dead plymouth.service\n\
            apt-daily.service loaded inactive dead Daily apt download activities\n\
            nonsense\nx.service loaded strange dead x\n";
        let rows = rows(&Report::of([("units", told.to_owned())])).unwrap();
        let names: Vec<&str> = rows
            .iter()
            .map(|r| &*r.entity.as_ref().unwrap().name)
            .collect();
        assert_eq!(names, ["nginx", "cron", "apt-daily"]);
        let failed = SERVICE.position("failed").unwrap();
        assert_eq!(rows[0].values[failed], Value::Bool(true));
        assert_eq!(rows[1].values[failed], Value::Bool(false));
        assert_eq!(
            rows[0].facts[0],
            Value::text("A high performance web server")
        );
    }

    #[test]
    fn ten_thousand_units_are_cut_and_the_failed_one_stays() {
        let mut told: String = (0..10_000)
            .map(|n| format!("u{n}.service loaded active running u\n"))
            .collect();
        told.push_str("last.service loaded failed failed l\n");
        let rows = rows(&Report::of([("units", told)])).unwrap();
        assert_eq!(rows.len(), SERVICES_MAX);
        assert_eq!(rows[0].entity.as_ref().unwrap().name, "last");
    }
}
