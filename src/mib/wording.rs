//! Names as this house writes them, and texts as YAML takes them.

/// Characters of a comment: enough to know the object, not a copy of its definition.
const COMMENT_CHARS: usize = 60;

/// `ACME-POWER-MIB` → `acme-power`.
pub fn profile_name(module: &str) -> String {
    let lower = module.to_ascii_lowercase();
    let stem = lower
        .strip_suffix("-mib")
        .filter(|s| !s.is_empty())
        .unwrap_or(&lower);
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = stem.chars().map(word).take(60).collect();
    name.trim_matches('-').to_owned()
}

/// `upsOutputLine` → `[ups, output, line]`; `ifHCInOctets` → `[if, hc, in, octets]`.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|b| chars[b]);
        let next_is_lower = chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        let begins = match before {
            None => true,
            Some(b) if !b.is_ascii_alphanumeric() => true,
            Some(b) => c.is_ascii_uppercase() && (!b.is_ascii_uppercase() || next_is_lower),
        };
        if !c.is_ascii_alphanumeric() {
            continue;
        }
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words
}

/// Words as a name of SQL: lower case, begun by a letter, at most 60 characters.
pub(super) fn sql_name(words: &[String]) -> String {
    let mut name = words.join("_");
    name.truncate(60);
    let name = name.trim_matches('_');
    match name.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => name.to_owned(),
        false => format!("c_{name}"),
    }
}

/// How many words all of the names begin with, leaving one at least of each.
pub(super) fn shared_words(names: &[Vec<String>]) -> usize {
    let Some(first) = names.first() else {
        return 0;
    };
    let most = names.iter().map(|n| n.len().saturating_sub(1)).min();
    let most = most.unwrap_or(0);
    (0..most)
        .take_while(|i| names.iter().all(|name| name[*i] == first[*i]))
        .count()
}

/// The object's name and how its description begins.
pub(super) fn comment(name: &str, description: &str) -> String {
    let text: Vec<&str> = description.split_whitespace().collect();
    let text = text.join(" ");
    let sentence = text.split_inclusive(". ").next().unwrap_or("").trim();
    let sentence = sentence.trim_end_matches('.');
    let mut short = String::new();
    let mut cut = false;
    for word in sentence.split(' ').filter(|w| !w.is_empty()) {
        if short.chars().count() + word.chars().count() >= COMMENT_CHARS {
            cut = true;
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    match (short.is_empty(), cut) {
        (true, _) => name.to_owned(),
        (false, true) => format!("{name}: {short} …"),
        (false, false) => format!("{name}: {short}"),
    }
}

/// A text between quotes, so that nothing in it means anything to YAML.
pub(super) fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("'{}'", text.replace('\'', "''"))
}

/// Units as they are written here; others as the module writes them, cut short.
pub(super) fn unit(units: &str) -> String {
    const KNOWN: [(&str, &str); 26] = [
        ("seconds", "s"),
        ("second", "s"),
        ("milliseconds", "ms"),
        ("microseconds", "µs"),
        ("minutes", "min"),
        ("hours", "h"),
        ("days", "d"),
        ("bytes", "B"),
        ("octets", "B"),
        ("kilobytes", "kB"),
        ("kbytes", "kB"),
        ("kb", "kB"),
        ("megabytes", "MB"),
        ("bits per second", "bit/s"),
        ("percent", "%"),
        ("percentage", "%"),
        ("%", "%"),
        ("degrees celsius", "°C"),
        ("degrees centigrade", "°C"),
        ("celsius", "°C"),
        ("rpm", "rpm"),
        ("hertz", "Hz"),
        ("watts", "W"),
        ("volts", "V"),
        ("amps", "A"),
        ("milliamps", "mA"),
    ];
    let lower = units.trim().to_ascii_lowercase();
    let known = KNOWN.iter().find(|(long, _)| *long == lower);
    match known {
        Some((_, short)) => (*short).to_owned(),
        None => units.trim().chars().take(30).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules_and_objects() {
        assert_eq!(profile_name("ACME-POWER-MIB"), "acme-power");
        assert_eq!(profile_name("LM-SENSORS-MIB"), "lm-sensors");
        assert_eq!(profile_name("Foo.1"), "foo-1");
        assert_eq!(words("ifHCInOctets"), ["if", "hc", "in", "octets"]);
        assert_eq!(words("acme-old_name"), ["acme", "old", "name"]);
        assert_eq!(words("ssCpuRawWait"), ["ss", "cpu", "raw", "wait"]);
        assert_eq!(sql_name(&["8021".into(), "x".into()]), "c_8021_x");
        let names = ["diskIOIndex", "diskIONRead"].map(words);
        assert_eq!(shared_words(&names), 1);
    }

    #[test]
    fn comments_are_short_and_yaml_takes_them() {
        let long = "The total number of octets received on the interface, including framing characters. More.";
        let short = comment("ifInOctets", long);
        assert!(short.starts_with("ifInOctets: The total number"), "{short}");
        assert!(
            short.ends_with(" …") && short.chars().count() < 80,
            "{short}"
        );
        assert_eq!(comment("a", " \n "), "a");
        assert_eq!(comment("a", "One.  Two."), "a: One");
        assert_eq!(quoted("it's: \n#1"), "'it''s:  #1'");
    }
}
