//! Ranges in host names: `web[01:20]`, `[a:f]`, `sw[00:30:2]`, several per name.

/// One pattern names at most this many hosts.
pub(super) const NAMES_MAX: usize = 4096;

/// The names that a pattern stands for, in order; a name without brackets stands for itself. The
/// error is one sentence.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some(begin) = rest.find('[') {
        let (literal, after) = (&rest[..begin], &rest[begin + 1..]);
        let Some(end) = after.find(']') else {
            return Err(format!("`{pattern}` has a `[` without its `]`"));
        };
        let values = range(&after[..end])
            .map_err(|why| format!("`[{}]` is not a range: {why}", &after[..end]))?;
        if names.len() * values.len() > NAMES_MAX {
            return Err(format!(
                "`{pattern}` stands for more than {NAMES_MAX} hosts: split it"
            ));
        }
        names = names
            .iter()
            .flat_map(|name| values.iter().map(move |v| format!("{name}{literal}{v}")))
            .collect();
        rest = &after[end + 1..];
    }
    if rest.contains(']') {
        return Err(format!("`{pattern}` has a `]` without its `[`"));
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

/// `01:20`, `a:f`, `00:30:2`: first, last (included) and step.
fn range(text: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (first, last, step) = match parts[..] {
        [first, last] => (first, last, "1"),
        [first, last, step] => (first, last, step),
        _ => return Err("write it like [01:20], [a:f] or [00:30:2]".into()),
    };
    let step: usize = step
        .parse()
        .ok()
        .filter(|step| *step > 0)
        .ok_or("the step must be a whole number from 1 on")?;
    if let (Some(a), Some(z)) = (letter(first), letter(last)) {
        if a.is_ascii_lowercase() != z.is_ascii_lowercase() {
            return Err("both ends must be of the same case".into());
        }
        if a > z {
            return Err("it runs backwards".into());
        }
        return Ok((a..=z).step_by(step).map(String::from).collect());
    }
    let (low, high) = (number(first)?, number(last)?);
    if low > high {
        return Err("it runs backwards".into());
    }
    let padded = first.len() > 1 && first.starts_with('0');
    if padded && first.len() != last.len() {
        return Err("with leading zeros both ends must be equally long".into());
    }
    if ((high - low) as usize) / step >= NAMES_MAX {
        return Err(format!("it holds more than {NAMES_MAX} numbers"));
    }
    let width = if padded { first.len() } else { 0 };
    Ok((low..=high)
        .step_by(step)
        .map(|n| format!("{n:0width$}"))
        .collect())
}

fn letter(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars
        .next()
        .filter(|c| c.is_ascii_alphabetic() && chars.next().is_none())
}

fn number(text: &str) -> Result<u32, String> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("both ends must be numbers or single letters".into());
    }
    text.parse().map_err(|_| "the number is too great".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_expand() {
        assert_eq!(expand("web01").unwrap(), ["web01"]);
        assert_eq!(
            expand("web[08:11].x").unwrap(),
            ["web08.x", "web09.x", "web10.x", "web11.x"]
        );
        assert_eq!(expand("[8:10]").unwrap(), ["8", "9", "10"]);
        assert_eq!(expand("r[a:c]").unwrap(), ["ra", "rb", "rc"]);
        assert_eq!(expand("s[00:30:10]").unwrap(), ["s00", "s10", "s20", "s30"]);
        assert_eq!(
            expand("10.0.[0:1].[1:2]").unwrap(),
            ["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2"]
        );
        assert_eq!(expand("[0:4095]").unwrap().len(), 4096);
        assert!(expand("[001:4096]").unwrap_err().contains("equally long"));
    }

    #[test]
    fn wrong_ranges_say_why() {
        for (pattern, why) in [
            ("a[1:2", "without its `]`"),
            ("a1]", "without its `[`"),
            ("a[]", "write it like"),
            ("a[3]", "write it like"),
            ("a[3:1]", "backwards"),
            ("a[f:a]", "backwards"),
            ("a[a:F]", "same case"),
            ("a[1:z]", "numbers or single letters"),
            ("a[1:9:0]", "step"),
            ("a[0:4096]", "more than 4096"),
            ("a[0:99][0:99]", "more than 4096"),
            ("a[0:99999999999]", "too great"),
        ] {
            let error = expand(pattern).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_range_counts_right(low in 0u32..3000, more in 0u32..1000, step in 1u32..50) {
            let names = expand(&format!("h[{low}:{}:{step}]", low + more)).unwrap();
            prop_assert_eq!(names.len() as u32, more / step + 1);
            prop_assert_eq!(&names[0], &format!("h{low}"));
        }

        #[test]
        fn any_text_is_survived(text in "[\\[\\]a-c0-9:.-]{0,30}") {
            if let Ok(names) = expand(&text) {
                prop_assert!(!names.is_empty() && names.len() <= NAMES_MAX);
            }
        }
    }
}
