//! The expressions of profiles: arithmetic, comparisons and a few functions over what was read of
//! one row, and folds over the rows of a table.
//!
//! Pure and bounded: a text of at most [`LENGTH_MAX`] characters, nested at most [`DEPTH_MAX`] deep.
//! Nothing here panics; what makes no sense at run time is NULL.

mod check;
mod evaluate;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use regex::Regex;

pub use check::{Type, type_of};
pub use evaluate::{Rows, evaluate};
pub use parse::parse;

/// A longer expression is refused, in characters.
pub const LENGTH_MAX: usize = 1_000;
/// A deeper one too.
pub const DEPTH_MAX: usize = 32;

/// What an expression works with.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Val {
    /// The device does not say, or what it says makes no sense here.
    #[default]
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(Arc<str>),
}

impl Val {
    pub fn text(text: impl AsRef<str>) -> Val {
        Val::Text(Arc::from(text.as_ref()))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Val::Null)
    }

    /// As a number: text is one when nothing else stands in it.
    pub fn number(&self) -> Option<f64> {
        match self {
            Val::Int(v) => Some(*v as f64),
            Val::Float(v) => Some(*v),
            Val::Bool(v) => Some(f64::from(u8::from(*v))),
            Val::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            Val::Null => None,
        }
    }

    /// As text for people; `None` when it is NULL.
    pub fn shown(&self) -> Option<Arc<str>> {
        match self {
            Val::Null => None,
            Val::Int(v) => Some(v.to_string().into()),
            Val::Float(v) => Some(v.to_string().into()),
            Val::Bool(v) => Some(v.to_string().into()),
            Val::Text(text) => Some(text.clone()),
        }
    }
}

/// A checked expression. Numbers in it stand for what is read: see [`Names`].
#[derive(Clone, Debug)]
pub enum Expression {
    Literal(Val),
    /// What was read under that number.
    Read(usize),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
    /// `extract(text, 'regex')`: the first group, or the whole match.
    Extract(Box<Expression>, Regex),
    Fold(Fold, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            fn from_word(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What takes arguments in parentheses, `extract` apart.
    Function {
        Coalesce = "coalesce",
        If = "if",
        Round = "round",
        Pow = "pow",
        Abs = "abs",
        Least = "least",
        Greatest = "greatest",
        Concat = "concat",
        Lower = "lower",
        Trim = "trim",
        Contains = "contains",
        IsNull = "is_null",
    }
}

words! {
    /// What makes one value of the rows of a table; NULLs do not count.
    Fold {
        Sum = "sum",
        Avg = "avg",
        Min = "min",
        Max = "max",
        Count = "count",
        First = "first",
    }
}

impl Function {
    /// The fewest and the most arguments.
    fn arguments(self) -> (usize, usize) {
        match self {
            Function::Coalesce | Function::Least | Function::Greatest | Function::Concat => (1, 20),
            Function::If => (3, 3),
            Function::Round => (1, 2),
            Function::Pow | Function::Contains => (2, 2),
            Function::Abs | Function::Lower | Function::Trim | Function::IsNull => (1, 1),
        }
    }
}

/// Gives the names of an expression their numbers.
pub trait Names {
    /// The number of what `name` stands for: a name of `read`, or a source written out (`.4`,
    /// `phys.7`, `index.1`). The error is a sentence, and what to do.
    fn resolve(&mut self, name: &str) -> Result<usize, (String, Option<String>)>;
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Octets from the beginning of the text.
    pub begin: usize,
    /// In octets, may be 0 at the end.
    pub length: usize,
    pub message: String,
    pub help: Option<String>,
}

impl Expression {
    /// Calls `each` with every number that the expression reads, and whether a fold stands around it.
    pub fn reads(&self, each: &mut impl FnMut(usize, bool)) {
        self.reads_within(false, each);
    }

    fn reads_within(&self, folded: bool, each: &mut impl FnMut(usize, bool)) {
        match self {
            Expression::Literal(_) => {}
            Expression::Read(read) => each(*read, folded),
            Expression::Negative(inner)
            | Expression::Not(inner)
            | Expression::Extract(inner, _) => inner.reads_within(folded, each),
            Expression::Binary(_, left, right) => {
                left.reads_within(folded, each);
                right.reads_within(folded, each);
            }
            Expression::Call(_, arguments) => {
                for argument in arguments {
                    argument.reads_within(folded, each);
                }
            }
            Expression::Fold(_, inner) => inner.reads_within(true, each),
        }
    }

    /// Whether a fold stands in it.
    pub fn folds(&self) -> bool {
        match self {
            Expression::Literal(_) | Expression::Read(_) => false,
            Expression::Negative(inner)
            | Expression::Not(inner)
            | Expression::Extract(inner, _) => inner.folds(),
            Expression::Binary(_, left, right) => left.folds() || right.folds(),
            Expression::Call(_, arguments) => arguments.iter().any(Expression::folds),
            Expression::Fold(..) => true,
        }
    }
}
