//! From words to an expression, by precedence: or, and, not, comparison, + -, * /, sign.

use regex::RegexBuilder;

use super::lex::{Placed, Token, lex};
use super::{DEPTH_MAX, Expression, Fold, Function, LENGTH_MAX, Mistake, Names, Operator, Val};
use crate::inventory::nearest;

/// A compiled regular expression of a profile takes at most this many octets.
const REGEX_BYTES: usize = 1 << 18;

/// Reads an expression.
pub fn parse(text: &str, names: &mut dyn Names) -> Result<Expression, Mistake> {
    if text.chars().count() > LENGTH_MAX {
        return Err(Mistake {
            begin: 0,
            length: text.len(),
            message: format!("an expression has at most {LENGTH_MAX} characters"),
            help: None,
        });
    }
    let mut parser = Parser {
        tokens: lex(text)?,
        at: 0,
        end: text.len(),
        depth: 0,
        names,
    };
    let expression = parser.or()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some((_, begin, length)) => Err(Mistake {
            begin: *begin,
            length: *length,
            message: format!(
                "`{}` stands where an operator belongs",
                &text[*begin..begin + length]
            ),
            help: None,
        }),
    }
}

struct Parser<'t, 'n> {
    tokens: Vec<Placed<'t>>,
    at: usize,
    /// Length of the text.
    end: usize,
    depth: usize,
    names: &'n mut dyn Names,
}

type Parsed = Result<Expression, Mistake>;

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new(left), Box::new(right))
}

impl<'t> Parser<'t, '_> {
    fn or(&mut self) -> Parsed {
        // Every nesting passes here, and only here can it grow deep.
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.mistake(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = binary(Operator::Or, left, self.and()?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.word("and") {
            left = binary(Operator::And, left, self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let mut negated = false;
        let mut any = false;
        while self.word("not") {
            negated = !negated;
            any = true;
        }
        let inner = self.comparison()?;
        Ok(match (any, negated) {
            (true, true) => Expression::Not(Box::new(inner)),
            _ => inner,
        })
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let operator = match self.mark(&["=", "==", "!=", "<>", "<", "<=", ">", ">="]) {
            None => return Ok(left),
            Some("=" | "==") => Operator::Equal,
            Some("!=" | "<>") => Operator::NotEqual,
            Some("<") => Operator::Less,
            Some("<=") => Operator::LessOrEqual,
            Some(">") => Operator::Greater,
            Some(_) => Operator::GreaterOrEqual,
        };
        let right = self.sum()?;
        if self
            .mark(&["=", "==", "!=", "<>", "<", "<=", ">", ">="])
            .is_some()
        {
            self.at -= 1;
            return Err(self.mistake("a comparison compares two values; join two with `and`"));
        }
        Ok(binary(operator, left, right))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        while let Some(mark) = self.mark(&["+", "-"]) {
            let operator = if mark == "+" {
                Operator::Add
            } else {
                Operator::Subtract
            };
            left = binary(operator, left, self.product()?);
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.signed()?;
        while let Some(mark) = self.mark(&["*", "/"]) {
            let operator = if mark == "*" {
                Operator::Multiply
            } else {
                Operator::Divide
            };
            left = binary(operator, left, self.signed()?);
        }
        Ok(left)
    }

    fn signed(&mut self) -> Parsed {
        let mut negative = false;
        while self.mark(&["-"]).is_some() {
            negative = !negative;
        }
        let inner = self.single()?;
        Ok(match (negative, inner) {
            (false, inner) => inner,
            (true, Expression::Literal(Val::Int(n))) => {
                Expression::Literal(Val::Int(n.saturating_neg()))
            }
            (true, Expression::Literal(Val::Float(n))) => Expression::Literal(Val::Float(-n)),
            (true, inner) => Expression::Negative(Box::new(inner)),
        })
    }

    fn single(&mut self) -> Parsed {
        let Some((token, begin, length)) = self.tokens.get(self.at).cloned() else {
            return Err(self.mistake("the expression ends too early"));
        };
        self.at += 1;
        match token {
            Token::Int(n) => Ok(Expression::Literal(Val::Int(n))),
            Token::Float(n) => Ok(Expression::Literal(Val::Float(n))),
            Token::Text(text) => Ok(Expression::Literal(Val::text(text))),
            Token::Mark("(") => {
                let inner = self.or()?;
                self.close()?;
                Ok(inner)
            }
            Token::Mark(mark) => {
                self.at -= 1;
                Err(self.mistake(format!("`{mark}` stands where a value belongs")))
            }
            Token::Name(name) if self.mark(&["("]).is_some() => self.call(name, begin, length),
            Token::Name("true") => Ok(Expression::Literal(Val::Bool(true))),
            Token::Name("false") => Ok(Expression::Literal(Val::Bool(false))),
            Token::Name("null") => Ok(Expression::Literal(Val::Null)),
            Token::Name(name) => match self.names.resolve(name) {
                Ok(number) => Ok(Expression::Read(number)),
                Err((message, help)) => Err(Mistake {
                    begin,
                    length,
                    message,
                    help,
                }),
            },
        }
    }

    fn call(&mut self, name: &'t str, begin: usize, length: usize) -> Parsed {
        let mut arguments = Vec::new();
        if self.mark(&[")"]).is_none() {
            loop {
                arguments.push(self.or()?);
                if self.mark(&[","]).is_none() {
                    break;
                }
            }
            self.close()?;
        }
        let mistake = |message: String, help: Option<String>| Mistake {
            begin,
            length,
            message,
            help,
        };
        let count = |fewest: usize, most: usize| match (fewest..=most).contains(&arguments.len()) {
            true => Ok(()),
            false => Err(mistake(
                match fewest == most {
                    true => format!("`{name}` takes {fewest} arguments, not {}", arguments.len()),
                    false => format!(
                        "`{name}` takes {fewest} to {most} arguments, not {}",
                        arguments.len()
                    ),
                },
                None,
            )),
        };
        if name == "extract" {
            count(2, 2)?;
            return extract(arguments, mistake);
        }
        if let Some(fold) = Fold::from_word(name) {
            count(1, 1)?;
            let inner = arguments.remove(0);
            if inner.folds() {
                return Err(mistake(
                    format!("`{name}` stands around another fold"),
                    None,
                ));
            }
            return Ok(Expression::Fold(fold, Box::new(inner)));
        }
        let Some(function) = Function::from_word(name) else {
            let words = Function::WORDS
                .iter()
                .chain(Fold::WORDS)
                .chain(&["extract"]);
            let help = nearest(name, words.copied()).map(|word| format!("did you mean `{word}`?"));
            return Err(mistake(format!("there is no function `{name}`"), help));
        };
        let (fewest, most) = function.arguments();
        count(fewest, most)?;
        Ok(Expression::Call(function, arguments))
    }

    fn close(&mut self) -> Result<(), Mistake> {
        match self.mark(&[")"]) {
            Some(_) => Ok(()),
            None => Err(Mistake {
                help: Some("inside `{…}` an expression with a comma stands in quotes".into()),
                ..self.mistake("a `)` is missing here")
            }),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let is_it =
            matches!(self.tokens.get(self.at), Some((Token::Name(name), ..)) if *name == word);
        self.at += usize::from(is_it);
        is_it
    }

    fn mark(&mut self, marks: &[&str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some((Token::Mark(mark), ..)) if marks.contains(mark) => {
                self.at += 1;
                Some(mark)
            }
            _ => None,
        }
    }

    /// A mistake at the next word.
    fn mistake(&self, message: impl Into<String>) -> Mistake {
        let place = self
            .tokens
            .get(self.at)
            .map(|(_, begin, length)| (*begin, *length));
        let (begin, length) = place.unwrap_or((self.end, 0));
        Mistake {
            begin,
            length,
            message: message.into(),
            help: None,
        }
    }
}

fn extract(
    mut arguments: Vec<Expression>,
    mistake: impl Fn(String, Option<String>) -> Mistake,
) -> Parsed {
    let Some(Expression::Literal(Val::Text(pattern))) = arguments.pop() else {
        let message = "the second argument of `extract` is a regular expression in quotes";
        return Err(mistake(message.into(), None));
    };
    let regex = RegexBuilder::new(&pattern).size_limit(REGEX_BYTES).build();
    match (regex, arguments.pop()) {
        (Ok(regex), Some(text)) => Ok(Expression::Extract(Box::new(text), regex)),
        (Err(error), _) => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim();
            Err(mistake(format!("not a regular expression: {last}"), None))
        }
        (Ok(_), None) => Err(mistake("`extract` takes 2 arguments".into(), None)),
    }
}
