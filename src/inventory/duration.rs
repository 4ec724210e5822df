//! Durations as people write them: `90s`, `5m`, `1h30m`, `7d`.

use std::time::Duration;

/// Unit and its seconds, the greatest first.
const UNITS: [(char, u64); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3_600),
    ('m', 60),
    ('s', 1),
];

/// Reads a duration. The error says how to write one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration: write it like 90s, 5m, 1h30m or 7d");
    if text.is_empty() {
        return Err(wrong());
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{text}` has no unit: write {text}s for seconds"));
    }
    let mut seconds: u64 = 0;
    let mut rest = text;
    let mut allowed = &UNITS[..];
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = rest[digits..].chars().next().ok_or_else(wrong)?;
        // Each unit once, the greater before the smaller.
        let position = allowed
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        seconds = number
            .checked_mul(allowed[position].1)
            .and_then(|s| seconds.checked_add(s))
            .filter(|s| *s <= 100 * 366 * 86_400)
            .ok_or_else(|| format!("`{text}` is too long"))?;
        allowed = &allowed[position + 1..];
        rest = &rest[digits + unit.len_utf8()..];
    }
    Ok(Duration::from_secs(seconds))
}

/// The same, printed: `1h30m`; parts of a second are dropped.
pub fn print_duration(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    if seconds == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    // Weeks are read but not printed: 7d says more than 1w.
    for (name, size) in &UNITS[1..] {
        if seconds >= *size {
            text += &format!("{}{name}", seconds / size);
            seconds %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("1w", 604_800),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in [
            "",
            "5",
            "m",
            "5x",
            "30m1h",
            "1h1h",
            "1.5h",
            "-5s",
            "5 m",
            "99999999999999999999s",
            "999999w",
            "5分",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("60").unwrap_err().contains("60s"));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(seconds in 0u64..3_000_000_000) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&print_duration(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = parse_duration(&text);
        }
    }
}
