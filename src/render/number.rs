//! Numbers for people: three significant digits and a unit. Raw numbers go into exports only.

/// What stands where there is no value.
pub const NOTHING: &str = "–";

/// The value with its unit: SI prefixes for `bit/s` and everything without a rule of its own, IEC
/// prefixes for `B` and `B/s`, one decimal for `%`, milliseconds and seconds as they are below 1,000.
pub fn with_unit(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return NOTHING.into();
    }
    match unit {
        "%" => format!("{} %", percent(value)),
        "B" | "B/s" => {
            let (scaled, prefix) = scale(value, 1024.0, &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]);
            if prefix.is_empty() {
                format!("{} {unit}", three_digits(scaled.round()))
            } else {
                format!("{} {prefix}{unit}", three_digits(scaled))
            }
        }
        "bit/s" => {
            let (scaled, prefix) = scale(value, 1000.0, &["", "k", "M", "G", "T", "P"]);
            format!("{} {prefix}{unit}", three_digits(scaled))
        }
        "ms" if value.abs() >= 1000.0 => format!("{} s", three_digits(value / 1000.0)),
        "s" if value != 0.0 && value.abs() < 1.0 => format!("{} ms", three_digits(value * 1000.0)),
        "" => plain(value),
        "1/s" => format!("{} /s", plain(value)),
        _ => format!("{} {unit}", plain(value)),
    }
}

/// A round value on a scale: as [`with_unit`], without the zeros that say nothing.
pub fn axis(value: f64, unit: &str) -> String {
    let text = with_unit(value, unit);
    let end = text.find([' ', '\u{202f}']).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if !digits.contains('.') {
        return text;
    }
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}{rest}")
}

/// Whole numbers up to a million as they are, with thin spaces between thousands; others to three
/// digits, with an SI prefix from a million on.
fn plain(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e6 {
        return grouped(value as i64);
    }
    if value.abs() < 10_000.0 {
        return three_digits(value);
    }
    let (scaled, prefix) = scale(value, 1000.0, &["", "k", "M", "G", "T", "P", "E"]);
    format!(
        "{}{}{prefix}",
        three_digits(scaled),
        if prefix.is_empty() { "" } else { "\u{202f}" }
    )
}

fn percent(value: f64) -> String {
    let one = format!("{value:.1}");
    match one.as_str() {
        "100.0" => "100".into(),
        "-0.0" => "0.0".into(),
        _ => one,
    }
}

/// Divides until less than the base is left, judged after rounding, so that 999.9 k becomes 1.00 M.
fn scale<'a>(value: f64, base: f64, prefixes: &[&'a str]) -> (f64, &'a str) {
    let mut scaled = value;
    let mut position = 0;
    while scaled.abs() >= base - 0.5 && position + 1 < prefixes.len() {
        scaled /= base;
        position += 1;
    }
    (scaled, prefixes[position])
}

fn three_digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if size >= 99.95 {
        grouped(value.round() as i64)
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.995 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::from(if value < 0 { "-" } else { "" });
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) && digits.len() > 4 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_no_idle_zeros() {
        assert_eq!(axis(2.5e8, "bit/s"), "250 Mbit/s");
        assert_eq!(axis(1e9, "bit/s"), "1 Gbit/s");
        assert_eq!(axis(25.0, "%"), "25 %");
        assert_eq!(axis(0.5, ""), "0.5");
        assert_eq!(axis(0.0, "%"), "0 %");
    }

    #[test]
    fn units_have_three_digits_and_their_own_prefixes() {
        for (value, unit, shown) in [
            (0.0, "bit/s", "0 bit/s"),
            (999.4, "bit/s", "999 bit/s"),
            (999.6, "bit/s", "1.00 kbit/s"),
            (1_234_567.0, "bit/s", "1.23 Mbit/s"),
            (999_960.0, "bit/s", "1.00 Mbit/s"),
            (10e9, "bit/s", "10.0 Gbit/s"),
            (512.0, "B", "512 B"),
            (1023.0, "B", "1023 B"),
            (1024.0, "B", "1.00 KiB"),
            (8_589_934_592.0, "B", "8.00 GiB"),
            (1536.0, "B/s", "1.50 KiB/s"),
            (95.25, "%", "95.2 %"),
            (100.0, "%", "100 %"),
            (-0.01, "%", "0.0 %"),
            (3.456, "ms", "3.46 ms"),
            (1500.0, "ms", "1.50 s"),
            (0.25, "s", "250 ms"),
            (12.34, "s", "12.3 s"),
            (42.0, "", "42"),
            (1234.0, "", "1234"),
            (12_345.0, "", "12\u{202f}345"),
            (0.07, "", "0.070"),
            (3.0, "d", "3 d"),
            (2.5, "1/s", "2.50 /s"),
            (f64::NAN, "%", "–"),
        ] {
            assert_eq!(with_unit(value, unit), shown, "{value} {unit}");
        }
    }
}
