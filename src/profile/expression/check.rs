//! What kind of value an expression gives, found without running it.

use super::{Expression, Fold, Function, Operator, Val};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Number,
    Text,
    Bool,
    /// Known only when the device answers.
    Any,
}

impl Type {
    pub fn as_str(self) -> &'static str {
        match self {
            Type::Number => "a number",
            Type::Text => "text",
            Type::Bool => "true or false",
            Type::Any => "anything",
        }
    }

    fn join(self, other: Type) -> Type {
        match (self, other) {
            (a, b) if a == b => a,
            _ => Type::Any,
        }
    }
}

/// The type of an expression; `of` tells that of what is read. The error is a sentence about
/// something that can never give a value.
pub fn type_of(expression: &Expression, of: &dyn Fn(usize) -> Type) -> Result<Type, String> {
    let number = |inner: &Expression, what: &str| match type_of(inner, of)? {
        Type::Number | Type::Any => Ok(()),

        other => Err(format!("{what} needs a number, this is {}", other.as_str())),
    };
    Ok(match expression {
        Expression::Literal(value) => match value {
            Val::Null => Type::Any,
            Val::Int(_) | Val::Float(_) => Type::Number,
            Val::Bool(_) => Type::Bool,
            Val::Text(_) => Type::Text,
        },
        Expression::Read(read) => of(*read),
        Expression::Negative(inner) => {
            number(inner, "`-`")?;
            Type::Number
        }
        Expression::Not(inner) => {
            type_of(inner, of)?;
            Type::Bool
        }
        Expression::Binary(operator, left, right) => binary(*operator, left, right, of)?,
        Expression::Extract(inner, _) => {
            type_of(inner, of)?;
            Type::Text
        }
        Expression::Fold(fold, inner) => match fold {
            Fold::Count => {
                type_of(inner, of)?;
                Type::Number
            }
            Fold::Sum | Fold::Avg => {
                number(inner, "a sum")?;
                Type::Number
            }
            Fold::Min | Fold::Max | Fold::First => type_of(inner, of)?,
        },
        Expression::Call(function, arguments) => call(*function, arguments, of)?,
    })
}

fn binary(
    operator: Operator,
    left: &Expression,
    right: &Expression,
    of: &dyn Fn(usize) -> Type,
) -> Result<Type, String> {
    use Operator::*;
    let (a, b) = (type_of(left, of)?, type_of(right, of)?);
    match operator {
        Add | Subtract | Multiply | Divide => {
            for side in [a, b] {
                if matches!(side, Type::Text | Type::Bool) {
                    return Err(format!(
                        "arithmetic needs numbers, this is {}{}",
                        side.as_str(),
                        if side == Type::Text {
                            " (join text with `concat`)"
                        } else {
                            ""
                        }
                    ));
                }
            }
            Ok(Type::Number)
        }
        And | Or => Ok(Type::Bool),
        _ => match (a, b) {
            (Type::Number | Type::Bool, Type::Text) | (Type::Text, Type::Number | Type::Bool) => {
                Err(format!("{} is compared with {}", a.as_str(), b.as_str()))
            }
            _ => Ok(Type::Bool),
        },
    }
}

fn call(
    function: Function,
    arguments: &[Expression],
    of: &dyn Fn(usize) -> Type,
) -> Result<Type, String> {
    let mut types = Vec::with_capacity(arguments.len());
    for argument in arguments {
        types.push(type_of(argument, of)?);
    }
    let all = |types: &[Type]| {
        types
            .iter()
            .copied()
            .reduce(Type::join)
            .unwrap_or(Type::Any)
    };
    match function {
        Function::Coalesce | Function::Least | Function::Greatest => Ok(all(&types)),
        Function::If => Ok(all(&types[1..])),
        Function::Round | Function::Pow | Function::Abs => {
            match types.iter().find(|t| matches!(t, Type::Text | Type::Bool)) {
                Some(wrong) => Err(format!(
                    "`{}` needs a number, this is {}",
                    function.as_str(),
                    wrong.as_str()
                )),
                None => Ok(Type::Number),
            }
        }
        Function::Concat | Function::Lower | Function::Trim => Ok(Type::Text),
        Function::Contains | Function::IsNull => Ok(Type::Bool),
    }
}
