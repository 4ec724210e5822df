//! Asks what the files of answers ask and compares.
//!
//! A file is a sequence of asks. `ask:` gives the world and the call (`zone=` binds it to one zone),
//! the line after it the columns, the others one row each. `-` is NULL, times are instants, a number
//! with decimals holds to half of its last digit. `#` begins a comment.

use super::*;

struct Case {
    /// File and line of the ask.
    place: String,
    world: String,
    zone: Option<String>,
    from: Option<String>,
    to: Option<String>,
    params: Vec<(String, String)>,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn cases(name: &str) -> Vec<Case> {
    let path = format!("tests/data/queries/{name}.txt");
    let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|e| panic!("{path}: every shipped query has its answers there: {e}"));
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(call) = line.strip_prefix("ask:") {
            cases.push(case(format!("{path}:{}", number + 1), call));
            continue;
        }
        let cells: Vec<String> = line.split('|').map(|c| c.trim().to_owned()).collect();
        let case = cases.last_mut().expect("an ask first");
        if case.columns.is_empty() {
            case.columns = cells;
        } else {
            case.rows.push(cells);
        }
    }
    cases
}

fn case(place: String, call: &str) -> Case {
    let mut case = Case {
        place,
        world: String::new(),
        zone: None,
        from: None,
        to: None,
        params: Vec::new(),
        columns: Vec::new(),
        rows: Vec::new(),
    };
    for word in call.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or(("world", word));
        let value = value.to_owned();
        match name {
            "world" => case.world = value,
            "zone" => case.zone = Some(value),
            "from" => case.from = Some(value),
            "to" => case.to = Some(value),
            _ => case.params.push((name.to_owned(), value)),
        }
    }
    case
}

/// What a cell holds, in the words of the files.
fn word(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".into(),
        Cell::Bool(v) => v.to_string(),
        Cell::Int(v) => v.to_string(),
        Cell::Float(v) => v.to_string(),
        Cell::Text(text) | Cell::Other(text) if text.is_empty() => "\"\"".into(),
        Cell::Text(text) | Cell::Other(text) => text.clone(),
        Cell::Time(micros) => jiff::Timestamp::from_microsecond(*micros)
            .unwrap()
            .to_string(),
        Cell::Date(days) => days.to_string(),
    }
}

fn same(cell: &Cell, want: &str) -> bool {
    let Cell::Float(got) = cell else {
        return word(cell) == want;
    };
    let Ok(number) = want.parse::<f64>() else {
        return false;
    };
    let decimals = want.split_once('.').map_or(0, |(_, after)| after.len());
    let slack = if decimals == 0 {
        1e-9 * number.abs().max(1.0)
    } else {
        0.5000001 * 10_f64.powi(-(decimals as i32))
    };
    (got - number).abs() <= slack
}

fn answer(world: &World, query: &Query, case: &Case, zone: &str) -> Answer {
    let asked = Asked {
        params: case.params.clone(),
        from: case.from.clone(),
        to: case.to.clone(),
        timezone: zone.into(),
    };
    let question = Question::of(query, &asked, at("2026-11-09T00:00:00Z"))
        .unwrap_or_else(|e| panic!("{}: {e:?}", case.place));
    world
        .store
        .ask_blocking(&question)
        .unwrap_or_else(|e| panic!("{} ({zone}): {e}", case.place))
}

#[test]
fn every_shipped_query_gives_the_answers_that_were_worked_out() {
    let mut worlds: BTreeMap<&str, World> = BTreeMap::new();
    let mut wrong = Vec::new();
    for name in names() {
        let query = query(&name);
        let cases = cases(&name);
        assert!(cases.iter().any(|c| !c.rows.is_empty()), "{name}: no rows");
        for case in &cases {
            let (world, make) = WORLDS
                .into_iter()
                .find(|(world, _)| *world == case.world)
                .unwrap_or_else(|| panic!("{}: no such world", case.place));
            let world = worlds.entry(world).or_insert_with(make);
            let zones: Vec<&str> = match &case.zone {
                Some(zone) => vec![zone],
                None => ZONES.into(),
            };
            for zone in zones {
                let got = answer(world, &query, case, zone);
                wrong.extend(difference(case, zone, &got));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn difference(case: &Case, zone: &str, got: &Answer) -> Option<String> {
    let columns: Vec<&str> = got.columns.iter().map(|c| c.name.as_str()).collect();
    let fits = columns == case.columns
        && got.rows.len() == case.rows.len()
        && got.rows.iter().zip(&case.rows).all(|(got, want)| {
            got.len() == want.len() && got.iter().zip(want).all(|(cell, want)| same(cell, want))
        });
    if fits {
        return None;
    }
    let rows: Vec<String> = got
        .rows
        .iter()
        .map(|row| row.iter().map(word).collect::<Vec<_>>().join(" | "))
        .collect();
    Some(format!(
        "{} ({zone}) gives\n{}\n{}\n",
        case.place,
        columns.join(" | "),
        rows.join("\n")
    ))
}

#[test]
fn no_shipped_query_minds_an_empty_history_or_an_empty_range() {
    for world in [World::new(&[]), traffic::world()] {
        for name in names() {
            let query = query(&name);
            for zone in ZONES {
                // Two years before anything was polled.
                let asked = Asked {
                    params: check::needed(&query),
                    from: Some("2024-11-01".into()),
                    to: Some("2024-11-08".into()),
                    timezone: zone.into(),
                };
                let question = Question::of(&query, &asked, at("2026-11-09T00:00:00Z")).unwrap();
                let answer = world.store.ask_blocking(&question);
                assert!(answer.is_ok(), "{name} {zone}: {answer:?}");
            }
        }
    }
}
