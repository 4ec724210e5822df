//! Lengths of time for people: the two largest units that matter, in the page's language.

use super::catalogue::Catalogue;

const STEPS: [(i64, &str); 4] = [
    (86_400, "duration.days"),
    (3600, "duration.hours"),
    (60, "duration.minutes"),
    (1, "duration.seconds"),
];

/// `3 d 4 h`, `12 min 5 s`, `0 s`.
pub(super) fn long(seconds: i64, words: &Catalogue) -> String {
    let seconds = seconds.max(0);
    for (position, (size, key)) in STEPS.into_iter().enumerate() {
        if seconds < size && size != 1 {
            continue;
        }
        let mut text = words.count(key, seconds / size);
        if let Some((next, next_key)) = STEPS.get(position + 1)
            && seconds % size >= *next
        {
            text.push(' ');
            text.push_str(&words.count(next_key, seconds % size / next));
        }
        return text;
    }
    words.count("duration.seconds", 0)
}

/// The largest unit alone: `3 d`, `12 min`, `5 s`.
pub(super) fn short(seconds: i64, words: &Catalogue) -> String {
    let seconds = seconds.max(0);
    // Up to two of the larger unit, the smaller one says more: 90 min, 36 h.
    let (size, key) = STEPS
        .into_iter()
        .find(|(size, _)| seconds >= 2 * size)
        .unwrap_or(STEPS[3]);
    words.count(key, seconds / size)
}
