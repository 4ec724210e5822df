//! What an expression is for one row, or for all rows of a table.

use std::cmp::Ordering;

use super::{Expression, Fold, Function, Operator, Val};

/// Where an expression's values come from.
pub trait Rows {
    /// What was read under that number, of the row that the expression is about.
    fn read(&self, number: usize) -> Val;

    /// Calls `each` with every row, for a fold.
    fn each(&self, each: &mut dyn FnMut(&dyn Rows));
}

/// The value. NULL in arithmetic stays NULL, and so does what cannot be computed: a division by
/// zero, a number too large.
pub fn evaluate(expression: &Expression, rows: &dyn Rows) -> Val {
    match expression {
        Expression::Literal(value) => value.clone(),
        Expression::Read(number) => rows.read(*number),
        Expression::Negative(inner) => match evaluate(inner, rows) {
            Val::Int(n) => n.checked_neg().map_or(Val::Null, Val::Int),
            value => float(value.number().map(|n| -n)),
        },
        Expression::Not(inner) => {
            truth(&evaluate(inner, rows)).map_or(Val::Null, |b| Val::Bool(!b))
        }
        Expression::Binary(operator, left, right) => {
            binary(*operator, &evaluate(left, rows), || evaluate(right, rows))
        }
        Expression::Call(function, arguments) => call(*function, arguments, rows),
        Expression::Extract(inner, regex) => match evaluate(inner, rows).shown() {
            Some(text) => regex
                .captures(&text)
                .and_then(|found| found.get(1).or_else(|| found.get(0)))
                .map_or(Val::Null, |group| Val::text(group.as_str())),
            None => Val::Null,
        },
        Expression::Fold(fold, inner) => self::fold(*fold, inner, rows),
    }
}

/// What counts as true; `None` for NULL.
pub(super) fn truth(value: &Val) -> Option<bool> {
    match value {
        Val::Null => None,
        Val::Bool(b) => Some(*b),
        Val::Int(n) => Some(*n != 0),
        Val::Float(n) => Some(*n != 0.0),
        Val::Text(text) => Some(!text.is_empty()),
    }
}

fn float(number: Option<f64>) -> Val {
    number
        .filter(|n| n.is_finite())
        .map_or(Val::Null, Val::Float)
}

fn binary(operator: Operator, left: &Val, right: impl FnOnce() -> Val) -> Val {
    use Operator::*;
    match operator {
        // As in SQL: false and NULL is false, true or NULL is true.
        And | Or => {
            let decides = operator == Or;
            let left = truth(left);
            if left == Some(decides) {
                return Val::Bool(decides);
            }
            match (left, truth(&right())) {
                (_, Some(right)) if right == decides => Val::Bool(decides),
                (Some(_), Some(_)) => Val::Bool(!decides),
                _ => Val::Null,
            }
        }
        Add | Subtract | Multiply | Divide => arithmetic(operator, left, &right()),
        _ => match compare(left, &right()) {
            None => Val::Null,
            Some(order) => Val::Bool(match operator {
                Equal => order == Ordering::Equal,
                NotEqual => order != Ordering::Equal,
                Less => order == Ordering::Less,
                LessOrEqual => order != Ordering::Greater,
                Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }),
        },
    }
}

fn arithmetic(operator: Operator, left: &Val, right: &Val) -> Val {
    if let (Val::Int(a), Val::Int(b)) = (left, right) {
        let exact = match operator {
            Operator::Add => a.checked_add(*b),
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            _ => None,
        };
        if let Some(exact) = exact {
            return Val::Int(exact);
        }
    }
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        return Val::Null;
    };
    float(Some(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        _ => a / b,
    }))
}

/// Numbers by size, text by its characters; a number and a text as numbers when the text is one.
fn compare(left: &Val, right: &Val) -> Option<Ordering> {
    match (left, right) {
        (Val::Null, _) | (_, Val::Null) => None,
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Text(a), Val::Text(b)) => Some(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => Some(left.shown()?.cmp(&right.shown()?)),
        },
    }
}

fn call(function: Function, arguments: &[Expression], rows: &dyn Rows) -> Val {
    let value = |place: usize| {
        arguments
            .get(place)
            .map_or(Val::Null, |a| evaluate(a, rows))
    };
    match function {
        Function::Coalesce => {
            let mut values = arguments.iter().map(|a| evaluate(a, rows));
            values.find(|v| !v.is_null()).unwrap_or_default()
        }
        Function::If => value(match truth(&value(0)) {
            Some(true) => 1,
            _ => 2,
        }),
        Function::Round => round(&value(0), arguments.get(1).map(|a| evaluate(a, rows))),
        Function::Pow => {
            let power = value(0).number().zip(value(1).number());
            float(power.map(|(base, exponent)| base.powf(exponent)))
        }
        Function::Abs => match value(0) {
            Val::Int(n) => n.checked_abs().map_or(Val::Null, Val::Int),
            value => float(value.number().map(f64::abs)),
        },
        Function::Least => extreme(arguments, rows, Ordering::Less),
        Function::Greatest => extreme(arguments, rows, Ordering::Greater),
        Function::Concat => {
            let mut text = String::new();
            for argument in arguments {
                text.extend(evaluate(argument, rows).shown().as_deref());
                if text.len() > 4_096 {
                    return Val::Null;
                }
            }
            Val::text(text)
        }
        Function::Lower => text(&value(0), str::to_lowercase),
        Function::Trim => text(&value(0), |t| t.trim().to_owned()),
        Function::Contains => match (value(0).shown(), value(1).shown()) {
            (Some(text), Some(part)) => Val::Bool(text.contains(&*part)),
            _ => Val::Null,
        },
        Function::IsNull => Val::Bool(value(0).is_null()),
    }
}

fn text(value: &Val, change: impl FnOnce(&str) -> String) -> Val {
    value
        .shown()
        .map_or(Val::Null, |text| Val::text(change(&text)))
}

fn round(value: &Val, places: Option<Val>) -> Val {
    let places = match places {
        None => 0.0,
        Some(places) => match places.number() {
            Some(n) => n.clamp(-15.0, 15.0).round(),
            None => return Val::Null,
        },
    };
    if let (Val::Int(n), true) = (value, places >= 0.0) {
        return Val::Int(*n);
    }
    let power = 10f64.powi(places as i32);
    float(value.number().map(|n| (n * power).round() / power))
}

/// The least or the greatest; NULLs do not count.
fn extreme(arguments: &[Expression], rows: &dyn Rows, wanted: Ordering) -> Val {
    let values = arguments.iter().map(|a| evaluate(a, rows));
    values.fold(Val::Null, |best, value| better(best, value, wanted))
}

fn better(best: Val, value: Val, wanted: Ordering) -> Val {
    match (best.is_null(), value.is_null()) {
        (_, true) => best,
        (true, false) => value,
        _ if compare(&value, &best) == Some(wanted) => value,
        _ => best,
    }
}

fn fold(fold: Fold, inner: &Expression, rows: &dyn Rows) -> Val {
    let mut count = 0i64;
    let mut sum = Val::Null;
    let mut best = Val::Null;
    rows.each(&mut |row| {
        let value = evaluate(inner, row);
        // `count(status = 'ok')` counts the rows for which it holds.
        if value.is_null() || (fold == Fold::Count && value == Val::Bool(false)) {
            return;
        }
        count += 1;
        match fold {
            Fold::Sum | Fold::Avg if sum.is_null() => sum = value,
            Fold::Sum | Fold::Avg => sum = arithmetic(Operator::Add, &sum, &value),
            Fold::Min => best = better(std::mem::take(&mut best), value, Ordering::Less),
            Fold::Max => best = better(std::mem::take(&mut best), value, Ordering::Greater),
            Fold::First if best.is_null() => best = value,
            Fold::First | Fold::Count => {}
        }
    });
    match fold {
        Fold::Count => Val::Int(count),
        Fold::Sum if matches!(sum, Val::Int(_)) => sum,
        Fold::Sum => float(sum.number()),
        Fold::Avg => float(sum.number().map(|sum| sum / count as f64)),
        Fold::Min | Fold::Max | Fold::First => best,
    }
}
