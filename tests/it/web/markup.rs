//! Reads HTML as browsers do, as far as pages of ours go: which elements with which attributes.

/// Every element with the names of its attributes, in the order of the page.
pub(super) fn elements(html: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let first = rest.chars().next().unwrap_or(' ');
        if rest.starts_with("!--") {
            rest = rest.split_once("-->").map_or("", |(_, after)| after);
        } else if first.is_ascii_alphabetic() {
            let (element, after) = tag(rest);
            found.push(element);
            rest = after;
        }
    }
    found
}

/// One start tag, `rest` beginning with its name.
fn tag(rest: &str) -> ((String, Vec<String>), &str) {
    let end = rest
        .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .unwrap_or(rest.len());
    let name = rest[..end].to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut rest = &rest[end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return ((name, attributes), after);
        }
        if rest.is_empty() {
            return ((name, attributes), rest);
        }
        let end = rest[1..]
            .find(|c: char| c.is_whitespace() || "=>/".contains(c))
            .map_or(rest.len(), |end| end + 1);
        attributes.push(rest[..end].to_ascii_lowercase());
        rest = rest[end..].trim_start();
        let Some(value) = rest.strip_prefix('=') else {
            continue;
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| "\"'".contains(*c));
        rest = match quote {
            Some(quote) => value[1..].split_once(quote).map_or("", |(_, after)| after),
            None => {
                let end = value.find(|c: char| c.is_whitespace() || c == '>');
                end.map_or("", |end| &value[end..])
            }
        };
    }
}

#[test]
fn elements_are_found_as_browsers_find_them() {
    let found = elements(
        "<!doctype html><!-- <b> --><a href=\"x>y\" title='<i>'>1 < 2</a><img src=x onerror=y><br/>",
    );
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "img", "br"]);
    assert_eq!(found[0].1, ["href", "title"]);
    assert_eq!(found[1].1, ["src", "onerror"]);
}
