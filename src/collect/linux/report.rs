//! The probe's answer, cut into its sections.

use std::borrow::Cow;

/// The sections in the order in which the probe prints them. A section is taken only at its place in
/// this order and only once, so that a line inside one section cannot pass for an earlier one.
pub(in crate::collect) const SECTIONS: &[&str] = &[
    "eider 1",
    "clock",
    "stat",
    "loadavg",
    "uptime",
    "meminfo",
    "arc",
    "cgroup",
    "net/dev",
    "diskstats",
    "block",
    "mounts",
    "boot_id",
    "reboot",
    "os",
    "uname",
    "cpuinfo",
    "dmi",
    "hz",
    "who",
    "net",
    "tcp",
    "mdstat",
    "sensor",
    "units",
    "passwd",
    "df",
    "dfi",
    "ps",
    "pstat",
    "notes",
    "end",
];

/// Section texts by name.
#[derive(Clone, Debug, Default)]
pub(in crate::collect) struct Report<'a> {
    sections: Vec<(&'static str, Cow<'a, str>)>,
}

/// Why an answer is not a whole report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::collect) enum Flaw {
    /// No section at all: something else answered.
    NotOurs,
    /// The end mark is missing; the last section that began.
    Incomplete(&'static str),
}

impl<'a> Report<'a> {
    /// Cuts the text at its `<<<name>>>` lines. What stands before the first (greetings of login
    /// shells) and after the end mark is ignored.
    pub(in crate::collect) fn parse(text: &'a str) -> Result<Report<'a>, Flaw> {
        let mut sections: Vec<(&'static str, &'a str)> = Vec::new();
        let mut next = 0;
        let mut open: Option<(&'static str, usize)> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let begin = at;
            at += line.len();
            let Some(position) = mark(line)
                .and_then(|name| SECTIONS[next..].iter().position(|known| *known == name))
            else {
                continue;
            };
            if let Some((name, from)) = open.take() {
                sections.push((name, &text[from..begin]));
            }
            let name = SECTIONS[next + position];
            next += position + 1;
            if name == "end" {
                let sections = sections.into_iter().map(|(n, t)| (n, Cow::from(t)));
                return Ok(Report {
                    sections: sections.collect(),
                });
            }
            open = Some((name, at));
        }
        Err(open.map_or(Flaw::NotOurs, |(name, _)| Flaw::Incomplete(name)))
    }

    /// A report of texts that were read one by one.
    pub(in crate::collect) fn of(
        sections: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Report<'static> {
        let sections = sections.into_iter().map(|(n, t)| (n, Cow::from(t)));
        Report {
            sections: sections.collect(),
        }
    }

    /// Whether the section was printed at all, be it blank.
    pub(in crate::collect) fn asked(&self, name: &str) -> bool {
        self.sections.iter().any(|(n, _)| *n == name)
    }

    /// How the command of a section ended, as the probe notes it.
    pub(in crate::collect) fn exit(&self, name: &str) -> Option<i32> {
        let notes = self.get("notes")?;
        let line = notes.lines().take(50).find_map(|line| {
            let (command, code) = line.trim().split_once(' ')?;
            (command == name).then_some(code)
        });
        line?.parse().ok()
    }

    /// The text of a section, `None` when it is missing or blank.
    pub(in crate::collect) fn get(&self, name: &str) -> Option<&str> {
        let (_, text) = self.sections.iter().find(|(n, _)| *n == name)?;
        (!text.trim().is_empty()).then_some(text)
    }
}

fn mark(line: &str) -> Option<&str> {
    line.trim_end_matches(['\n', '\r'])
        .strip_prefix("<<<")?
        .strip_suffix(">>>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_before_and_noise_after_are_ignored() {
        let text = "Welcome!\n<<nonsense>>\n<<<eider 1>>>\n<<<stat>>>\ncpu 1\n<<<uptime>>>\n5 5\n<<<end>>>\nbye\n";
        let report = Report::parse(text).unwrap();
        assert_eq!(report.get("stat"), Some("cpu 1\n"));
        assert_eq!(report.get("uptime"), Some("5 5\n"));
        assert_eq!(report.get("df"), None);
        assert_eq!(report.get("eider 1"), None);
    }

    #[test]
    fn a_missing_end_mark_is_not_a_whole_answer() {
        let text = "<<<eider 1>>>\n<<<stat>>>\ncpu 1\n";
        assert_eq!(Report::parse(text).unwrap_err(), Flaw::Incomplete("stat"));
        assert_eq!(Report::parse("login: ").unwrap_err(), Flaw::NotOurs);
        assert_eq!(Report::parse("").unwrap_err(), Flaw::NotOurs);
    }

    #[test]
    fn a_line_inside_a_section_cannot_pass_for_an_earlier_one() {
        let text = "<<<stat>>>\na\n<<<who>>>\nx\n<<<stat>>>\nevil\n<<<end>>>\n";
        let report = Report::parse(text).unwrap();
        assert_eq!(report.get("stat"), Some("a\n"));
        assert_eq!(report.get("who"), Some("x\n<<<stat>>>\nevil\n"));
    }
}
