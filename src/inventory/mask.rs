//! Secrets in a line that is shown to people: asterisks take their place.

use super::nearest::nearest;

/// Keys whose values are secrets, so that an excerpt must not show them.
const SECRET_KEYS: [&str; 6] = [
    "community",
    "password",
    "passphrase",
    "auth_secret",
    "priv_secret",
    "token",
];

/// The line of that number, from 1, with asterisks for secrets. A line that continues a secret of a
/// line above it is masked whole.
pub(super) fn line(text: &str, number: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(number).collect();
    let line = *lines.get(number.checked_sub(1)?)?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let above = lines[..number - 1]
        .iter()
        .rev()
        .find(|above| !above.trim().is_empty() && indent(above) < indent(line));
    let continues = above
        .and_then(|above| above.trim_start().split_once(':'))
        .is_some_and(|(key, _)| is_secret(key));
    Some(match continues {
        true => behind(line, 0),
        false => within(line),
    })
}

/// The line with asterisks for everything from this column (from 0) on.
pub(super) fn behind(line: &str, column: usize) -> String {
    line.chars()
        .enumerate()
        .map(
            |(position, c)| match position >= column && !c.is_whitespace() {
                true => '*',
                false => c,
            },
        )
        .collect()
}

/// Whether the key is, or was meant to be, that of a secret.
fn is_secret(key: &str) -> bool {
    nearest(key, SECRET_KEYS).is_some()
        || ["secret", "passw", "communit", "comunit"]
            .iter()
            .any(|part| key.contains(part))
}

/// The line with asterisks for the value of every key that is, or was meant to be, a secret's, and
/// for a password in an address. References (`env:NAME`) are shown.
fn within(line: &str) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    let is_key = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut position = 0;
    while let Some(colon) = (position..chars.len()).find(|i| chars[*i] == ':') {
        position = colon + 1;
        let begin = (0..colon)
            .rev()
            .take_while(|i| is_key(chars[*i]))
            .last()
            .unwrap_or(colon);
        let key: String = chars[begin..colon].iter().collect();
        if !is_secret(&key) {
            continue;
        }
        let value = (position..chars.len()).find(|i| !" \"'".contains(chars[*i]));
        let Some(value) = value else { break };
        let rest: String = chars[value..].iter().collect();
        let reference = ["env:", "file:", "cred:", "cmd:", "{cmd", "#"]
            .iter()
            .any(|form| rest.starts_with(form));
        if reference {
            continue;
        }
        let quote = chars[value - 1];
        let quoted = quote == '"' || quote == '\'';
        while position < chars.len() {
            let c = chars[position];
            let ends = match quoted {
                true => position > value && c == quote,
                false => position > value && ",}".contains(c),
            };
            if ends {
                break;
            }
            if position >= value {
                chars[position] = '*';
            }
            position += 1;
        }
    }
    addresses(&mut chars);
    chars.into_iter().collect()
}

/// `smtp://user:secret@host`: the part between the colon and the `@`.
fn addresses(chars: &mut [char]) {
    let Some(begin) = chars.windows(3).position(|w| w == [':', '/', '/']) else {
        return;
    };
    let authority = begin + 3;
    let end = (authority..chars.len())
        .find(|i| chars[*i] == '"' || chars[*i] == '\'' || chars[*i] == ' ')
        .unwrap_or(chars.len());
    let at = (authority..end).rev().find(|i| chars[*i] == '@');
    let colon = (authority..end).find(|i| chars[*i] == ':');
    if let (Some(colon), Some(at)) = (colon, at) {
        for c in chars.iter_mut().take(at).skip(colon + 1) {
            *c = '*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        for (line, secret) in [
            ("  community: s3cret", "s3cret"),
            ("x: {type: snmp-v2c, comunity: s3cret, port: 1}", "s3cret"),
            ("password: \"s3, cret\"", "cret"),
            ("passphrase:   's3cret' # x", "s3cret"),
            ("smtp: \"smtp://user:s3cret@host:25\"", "s3cret"),
            ("auth_secret: s3cret", "s3cret"),
        ] {
            let masked = within(line);
            assert!(!masked.contains(secret), "{masked}");
            assert_eq!(masked.chars().count(), line.chars().count());
        }
        for line in [
            "community: \"env:NAME\"",
            "interval: 60s",
            "type: snmp-v2c",
            "a: b:c@d",
            "password:",
        ] {
            assert_eq!(within(line), line);
        }
    }

    #[test]
    fn a_secret_over_several_lines_is_masked() {
        let text = "a:\n  password: |\n    s3cret\n\n    more\n  user: x\n";
        assert_eq!(line(text, 3).unwrap(), "    ******");
        assert_eq!(line(text, 5).unwrap(), "    ****");
        assert_eq!(line(text, 6).unwrap(), "  user: x");
        assert_eq!(line(text, 7), None);
        assert_eq!(line(text, 0), None);
    }
}
