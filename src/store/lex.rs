//! Just enough of SQL's lexical rules to find `$name` where it is a parameter and not part of a
//! text, a quoted name or a comment.

/// The SQL with each parameter that `cast` knows wrapped: `$from` → `CAST($from AS TIMESTAMPTZ)`.
///
/// The C interface binds times without a zone only; as text with a cast the instant is exact in
/// every session time zone.
pub(super) fn cast_parameters<'a>(sql: &str, cast: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut copied = 0;
    for (start, end) in parameters(sql) {
        if let Some(sql_type) = cast(&sql[start + 1..end]) {
            out.push_str(&sql[copied..start]);
            out.push_str("CAST(");
            out.push_str(&sql[start..end]);
            out.push_str(" AS ");
            out.push_str(sql_type);
            out.push(')');
            copied = end;
        }
    }
    out.push_str(&sql[copied..]);
    out
}

/// Where a byte of what [`cast_parameters`] made stood in the SQL as written.
pub(super) fn place_before_cast<'a>(
    sql: &str,
    cast: impl Fn(&str) -> Option<&'a str>,
    place: usize,
) -> usize {
    const OPEN: usize = "CAST(".len();
    const CLOSE: usize = " AS )".len();
    let mut grown = 0;
    for (start, end) in parameters(sql) {
        let Some(sql_type) = cast(&sql[start + 1..end]) else {
            continue;
        };
        if place < start + grown + OPEN {
            break;
        }
        let added = OPEN + CLOSE + sql_type.len();
        if place < end + grown + added {
            return start;
        }
        grown += added;
    }
    place.saturating_sub(grown).min(sql.len())
}

/// What follows a leading EXPLAIN or EXPLAIN ANALYZE, if the SQL begins so.
pub(super) fn explained(sql: &str) -> Option<&str> {
    let rest = keyword(sql, "EXPLAIN")?;
    Some(keyword(rest, "ANALYZE").unwrap_or(rest))
}

/// The rest after that first word.
fn keyword<'s>(sql: &'s str, word: &str) -> Option<&'s str> {
    let mut at = 0;
    while at < sql.len() {
        let rest = &sql[at..];
        if let Some(end) = comment_end(rest) {
            at += end;
        } else if rest.starts_with(|c: char| c.is_ascii_whitespace()) {
            at += 1;
        } else {
            break;
        }
    }
    let rest = &sql[at..];
    let head = rest.get(..word.len())?;
    let tail = &rest[word.len()..];
    let ends = !tail.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (head.eq_ignore_ascii_case(word) && ends).then_some(tail)
}

/// The places of `$name`, dollar sign included.
pub(super) fn parameters(sql: &str) -> Vec<(usize, usize)> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &sql[at..];
        if let Some(end) = comment_end(rest) {
            at += end;
            continue;
        }
        match bytes[at] {
            b'\'' => {
                let escapes =
                    at > 0 && matches!(bytes[at - 1], b'e' | b'E') && !in_word(bytes, at - 1);
                at += quoted_end(rest, b'\'', escapes);
            }
            b'"' => at += quoted_end(rest, b'"', false),
            b'$' if !in_word(bytes, at) => {
                let name = name_length(&bytes[at + 1..]);
                if bytes.get(at + 1 + name) == Some(&b'$') && !bytes[at + 1..].starts_with(b"$$") {
                    at += dollar_end(rest, name + 2);
                } else {
                    if name > 0 {
                        found.push((at, at + 1 + name));
                    }
                    at += 1 + name;
                }
            }
            _ => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

/// Whether the byte before belongs to a name, so that this one does too.
fn in_word(bytes: &[u8], at: usize) -> bool {
    at > 0
        && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_' || bytes[at - 1] >= 0x80)
}

fn name_length(bytes: &[u8]) -> usize {
    let digit_first = bytes.first().is_some_and(u8::is_ascii_digit);
    if digit_first {
        return 0;
    }
    bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
        .count()
}

/// The length of the comment that the text begins with. Block comments nest.
fn comment_end(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(text.find(['\n', '\r']).unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (1, 2);
    while at < bytes.len() && depth > 0 {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
    }
    Some(at)
}

/// The length of the quoted stretch that the text begins with; a doubled quote is one quote.
fn quoted_end(text: &str, quote: u8, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote {
            if bytes.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                return at + 1;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The length of `$tag$ … $tag$`, the tag with its dollar signs being that long.
fn dollar_end(text: &str, tag: usize) -> usize {
    let (open, rest) = text.split_at(tag);
    rest.find(open).map_or(text.len(), |at| at + 2 * tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(sql: &str) -> String {
        cast_parameters(sql, |name| (name == "from").then_some("TIMESTAMPTZ"))
    }

    #[test]
    fn parameters_are_found_where_they_are_parameters() {
        let same = [
            "SELECT '$from'",
            "SELECT 'it''s $from'",
            "SELECT E'\\'$from'",
            "SELECT \"$from\"",
            "SELECT 1 -- $from",
            "SELECT /* a /* $from */ $from */ 1",
            "SELECT $$ $from $$",
            "SELECT $x$ $from $x$",
            "SELECT $from_here",
            "SELECT a$from",
            "SELECT $1",
            "SELECT '$from",
            "SELECT $$ $from",
            "SELECT 'ä' || $to",
        ];
        for sql in same {
            assert_eq!(cast(sql), sql);
        }
        let changed = [
            ("ts>=$from AND 1", "ts>=CAST($from AS TIMESTAMPTZ) AND 1"),
            ("$from", "CAST($from AS TIMESTAMPTZ)"),
            ("'a' $from 'b'", "'a' CAST($from AS TIMESTAMPTZ) 'b'"),
            ("'中' < $from", "'中' < CAST($from AS TIMESTAMPTZ)"),
            ("-- x\n$from", "-- x\nCAST($from AS TIMESTAMPTZ)"),
            ("$$a$$ , $from", "$$a$$ , CAST($from AS TIMESTAMPTZ)"),
        ];
        for (sql, want) in changed {
            assert_eq!(cast(sql), want);
        }
    }

    #[test]
    fn places_are_found_again() {
        let sql = "SELECT x WHERE ts > $from AND nme = $from";
        let knows = |name: &str| (name == "from").then_some("TIMESTAMPTZ");
        let grown = cast(sql);
        for word in ["SELECT", "x", "$from", "nme"] {
            let place = grown.find(word).unwrap();
            assert_eq!(
                place_before_cast(sql, knows, place),
                sql.find(word).unwrap()
            );
        }
        let last = grown.rfind("CAST").unwrap();
        assert_eq!(place_before_cast(sql, knows, last), sql.rfind('$').unwrap());
    }

    #[test]
    fn explain_is_taken_off() {
        assert_eq!(explained("EXPLAIN SELECT 1"), Some(" SELECT 1"));
        assert_eq!(
            explained(" -- a\nexplain analyze SELECT 1"),
            Some(" SELECT 1")
        );
        assert_eq!(explained("SELECT 1"), None);
        assert_eq!(explained("EXPLAINED"), None);
        assert_eq!(explained(""), None);
        assert_eq!(explained("中文中文中文"), None);
    }
}
