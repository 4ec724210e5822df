//! From text to words with their places.

use super::Mistake;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// Whole numbers keep their exactness.
    Int(i64),
    Float(f64),
    Text(String),
    /// A name, `.4`, `phys.7`, `index.1` or a whole object identifier.
    Name(&'t str),
    /// An operator, a parenthesis or a comma.
    Mark(&'static str),
}

/// A token with the octets that it takes.
pub(super) type Placed<'t> = (Token<'t>, usize, usize);

/// Two characters before one.
const MARKS: [&str; 15] = [
    "!=", "<>", "<=", ">=", "==", "=", "<", ">", "+", "-", "*", "/", "(", ")", ",",
];

pub(super) fn lex(text: &str) -> Result<Vec<Placed<'_>>, Mistake> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            break;
        };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = if first == '\'' || first == '"' {
            quoted(text, at, first)?
        } else if first.is_ascii_digit() {
            number(text, at)?
        } else if first.is_alphabetic() || first == '_' || first == '.' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
                .unwrap_or(rest.len());
            (Token::Name(&rest[..end]), end)
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            (Token::Mark(mark), mark.len())
        } else {
            return Err(Mistake {
                begin: at,
                length: first.len_utf8(),
                message: format!("`{first}` means nothing in an expression"),
                help: (first == '%').then(|| "percent signs and units are left out".into()),
            });
        };
        tokens.push((token, at, length));
        at += length;
    }
    Ok(tokens)
}

/// `'text'`, a quote inside written twice.
fn quoted(text: &str, at: usize, quote: char) -> Result<(Token<'_>, usize), Mistake> {
    let mut content = String::new();
    let mut chars = text[at + 1..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        if c != quote {
            content.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            content.push(quote);
        } else {
            return Ok((Token::Text(content), offset + 2));
        }
    }
    Err(Mistake {
        begin: at,
        length: text.len() - at,
        message: format!("the text that begins with {quote} does not end"),
        help: None,
    })
}

/// `12`, `0.5`, `1e3`; with two dots it is an object identifier.
fn number(text: &str, at: usize) -> Result<(Token<'_>, usize), Mistake> {
    let rest = &text[at..];
    let mut end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(rest.len());
    if rest[..end].matches('.').count() >= 2 {
        return Ok((Token::Name(&rest[..end]), end));
    }
    let after = &rest.as_bytes()[end..];
    if after.first().is_some_and(|b| matches!(b, b'e' | b'E')) {
        let sign = usize::from(after.get(1).is_some_and(|b| matches!(b, b'+' | b'-')));
        let digits = after[1 + sign..].iter().take_while(|b| b.is_ascii_digit());
        let digits = digits.count();
        if digits > 0 {
            end += 1 + sign + digits;
        }
    }
    let written = &rest[..end];
    let token = match written.parse::<i64>() {
        Ok(whole) => Some(Token::Int(whole)),
        Err(_) => {
            let number = written.parse::<f64>().ok().filter(|n| n.is_finite());
            number.map(Token::Float)
        }
    };
    token.map(|token| (token, end)).ok_or_else(|| Mistake {
        begin: at,
        length: end,
        message: format!("`{written}` is not a number"),
        help: None,
    })
}
