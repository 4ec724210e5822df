//! Values, mistakes and types, worked out by hand.

use proptest::prelude::*;

use super::*;

/// Two rows: a = 6, 4; b = NULL, 2; t = "23.5", "x"; s = "ok", "bad"; z = 0.
struct Row(Option<usize>);

const NAMES: [&str; 7] = ["a", "b", "t", "s", "z", ".4", "phys.7"];

impl Rows for Row {
    fn read(&self, number: usize) -> Val {
        let row = self.0.unwrap_or(0);
        match (number, row) {
            (0, 0) => Val::Int(6),
            (0, _) => Val::Int(4),
            (1, 0) => Val::Null,
            (1, _) => Val::Float(2.0),
            (2, 0) => Val::text("23.5"),
            (2, _) => Val::text("x"),
            (3, 0) => Val::text("ok"),
            (3, _) => Val::text("bad"),
            (4, _) => Val::Int(0),
            (5, _) => Val::Int(44),
            _ => Val::text("Slot 1"),
        }
    }

    fn each(&self, each: &mut dyn FnMut(&dyn Rows)) {
        each(&Row(Some(0)));
        each(&Row(Some(1)));
    }
}

struct Known;

impl Names for Known {
    fn resolve(&mut self, name: &str) -> Result<usize, (String, Option<String>)> {
        let place = NAMES.iter().position(|n| *n == name);
        place.ok_or_else(|| (format!("nothing is called `{name}`"), None))
    }
}

fn value(text: &str) -> Val {
    let expression = parse(text, &mut Known).unwrap_or_else(|m| panic!("{text}: {}", m.message));
    evaluate(&expression, &Row(None))
}

#[test]
fn values_by_hand() {
    let int = Val::Int;
    let float = Val::Float;
    let cases = [
        ("1 + 2 * 3", int(7)),
        ("(1 + 2) * 3", int(9)),
        ("7 / 2", float(3.5)),
        ("8 / 2", float(4.0)),
        ("-a", int(-6)),
        ("- -a", int(6)),
        ("2 - -3", int(5)),
        ("10 - 4 - 3", int(3)),
        ("1 / z", Val::Null),
        ("z / z", Val::Null),
        ("b + 1", Val::Null),
        ("t * 2", float(47.0)),
        (".4 + 1", int(45)),
        ("1e3", float(1000.0)),
        (
            "9223372036854775807 + 1",
            float(9_223_372_036_854_775_808.0),
        ),
        ("a = 6", Val::Bool(true)),
        ("a != 6", Val::Bool(false)),
        ("a >= 6 and a < 7", Val::Bool(true)),
        ("s = 'ok'", Val::Bool(true)),
        ("s <> 'ok'", Val::Bool(false)),
        ("b = 1", Val::Null),
        ("b = 1 or a = 6", Val::Bool(true)),
        ("b = 1 and a = 5", Val::Bool(false)),
        ("b = 1 and a = 6", Val::Null),
        ("not a = 5", Val::Bool(true)),
        ("not b = 1", Val::Null),
        ("coalesce(b, a)", int(6)),
        ("if(a > 5, 'high', 'low')", Val::text("high")),
        ("if(b > 5, 'high', 'low')", Val::text("low")),
        ("round(2.345, 2)", float(2.35)),
        ("round(a)", int(6)),
        ("round(1234, -2)", float(1200.0)),
        ("pow(10, 3 * (9 - 9) - 1)", float(0.1)),
        ("pow(10, 400)", Val::Null),
        ("abs(-3)", int(3)),
        ("least(a, 2, b)", int(2)),
        ("greatest(a, 2, b)", int(6)),
        ("concat(phys.7, ' / ', a)", Val::text("Slot 1 / 6")),
        ("lower('ABC')", Val::text("abc")),
        ("trim(' x ')", Val::text("x")),
        ("contains(phys.7, 'Slot')", Val::Bool(true)),
        ("extract(phys.7, '[0-9]+')", Val::text("1")),
        ("extract(phys.7, 'Slot ([0-9])') + 1", float(2.0)),
        ("extract(phys.7, 'Fan')", Val::Null),
        ("is_null(b)", Val::Bool(true)),
        ("sum(a)", int(10)),
        ("avg(a)", float(5.0)),
        ("avg(b)", float(2.0)),
        ("min(a)", int(4)),
        ("max(a)", int(6)),
        ("count(b)", int(1)),
        ("count(s = 'ok')", int(1)),
        ("first(b)", float(2.0)),
        ("100 * sum(a) / (sum(a) + 10)", float(50.0)),
        ("'it''s'", Val::text("it's")),
        ("true", Val::Bool(true)),
        ("null", Val::Null),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn mistakes_have_a_place() {
    let cases = [
        ("a +", (3, 0), "the expression ends too early"),
        ("a ++ 1", (3, 1), "`+` stands where a value belongs"),
        ("(a", (2, 0), "a `)` is missing here"),
        ("a b", (2, 1), "`b` stands where an operator belongs"),
        (
            "a = 1 = 2",
            (6, 1),
            "a comparison compares two values; join two with `and`",
        ),
        ("a + nix", (4, 3), "nothing is called `nix`"),
        ("rund(a)", (0, 4), "there is no function `rund`"),
        (
            "round(a, 1, 2)",
            (0, 5),
            "`round` takes 1 to 2 arguments, not 3",
        ),
        ("sum(avg(a))", (0, 3), "`sum` stands around another fold"),
        ("a % 2", (2, 1), "`%` means nothing in an expression"),
        ("'open", (0, 5), "the text that begins with ' does not end"),
        (
            "extract(a, '(')",
            (0, 7),
            "not a regular expression: error: unclosed group",
        ),
    ];
    for (text, place, message) in cases {
        let mistake = parse(text, &mut Known).unwrap_err();
        assert_eq!((mistake.begin, mistake.length), place, "{text}");
        assert_eq!(mistake.message, message, "{text}");
    }
    let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
    assert!(parse(&deep, &mut Known).is_err());
    assert!(parse(&"a+".repeat(600), &mut Known).is_err());
}

#[test]
fn types_are_found_without_running() {
    let of = |read: usize| match read {
        0 | 1 | 4 => Type::Number,
        3 => Type::Text,
        _ => Type::Any,
    };
    let kind = |text: &str| type_of(&parse(text, &mut Known).unwrap(), &of);
    assert_eq!(kind("a + b"), Ok(Type::Number));
    assert_eq!(kind("t + b"), Ok(Type::Number));
    assert_eq!(kind("concat(a, s)"), Ok(Type::Text));
    assert_eq!(kind("if(a > 1, s, s)"), Ok(Type::Text));
    assert_eq!(kind("if(a > 1, s, a)"), Ok(Type::Any));
    assert_eq!(kind("a > 1 and s = 'x'"), Ok(Type::Bool));
    assert!(kind("s + 1").unwrap_err().contains("concat"));
    assert!(kind("a = 'ok'").is_err());
    assert!(kind("sum(s)").is_err());
    assert!(kind("abs('x')").is_err());
}

proptest! {
    #[test]
    fn never_panics(text in "[a-z0-9 .()+*/<>=',-]{0,60}") {
        if let Ok(expression) = parse(&text, &mut Known) {
            let _ = type_of(&expression, &|_| Type::Any);
            let _ = evaluate(&expression, &Row(None));
        }
    }
}
