//! Which layer says a value: the host before its groups, those before their parents, those before
//! the defaults.

use std::collections::{HashMap, HashSet};

use super::draft::{Draft, GroupDraft, HostDraft};
use super::host::Origin;
use super::layer::Layer;
use super::problem::Problems;
use super::yaml::{Mark, Written};

/// Pairs of places that were reported as a conflict, so that a group of many hosts reports it once.
pub(super) type Conflicts = HashSet<(Mark, Mark)>;

/// Who says a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'d> {
    Host(&'d str),
    Group(&'d str),
    Defaults,
}

/// A value, where it was written and by whom.
pub(super) struct Found<'d, T> {
    pub(super) value: &'d T,
    pub(super) mark: Mark,
    pub(super) part: Part<'d>,
}

impl<T> Found<'_, T> {
    pub(super) fn origin(&self, problems: &Problems<'_>) -> Origin {
        Origin::File {
            path: problems.path(self.mark.file).to_owned(),
            line: self.mark.line,
            column: self.mark.column,
            part: match self.part {
                Part::Host(name) => format!("host {name}"),
                Part::Group(name) => format!("group {name}"),
                Part::Defaults => "defaults".into(),
            },
        }
    }
}

/// The layers of one host by level, nearest first.
pub(super) struct Levels<'d> {
    host: &'d str,
    levels: Vec<Vec<(Part<'d>, &'d Layer)>>,
    /// The host's groups with all parents, nearest first.
    pub(super) groups: Vec<&'d str>,
    /// A layer has unknown keys or is missing altogether: what nobody says may be a follow-up of a
    /// mistake that is reported.
    pub(super) suspect: bool,
}

impl<'d> Levels<'d> {
    /// A group that is reached twice stands at its farther level, so that a parent always stands
    /// behind its child.
    pub(super) fn of(
        host: &'d HostDraft,
        draft: &'d Draft,
        chains: &HashMap<&'d str, Vec<&'d GroupDraft>>,
    ) -> Levels<'d> {
        let mut suspect = draft.incomplete;
        let mut distance: HashMap<&str, usize> = HashMap::new();
        let mut order: Vec<&'d GroupDraft> = Vec::new();
        for name in host.groups.iter() {
            let chain = chains.get(name.value.as_str());
            suspect |= chain
                .and_then(|chain| chain.last())
                .is_none_or(|last| last.parent.is_some());
            for (far, group) in chain.into_iter().flatten().enumerate() {
                let known = distance.entry(&group.name.value).or_insert_with(|| {
                    order.push(group);
                    far
                });
                *known = (*known).max(far);
            }
        }
        order.sort_by_key(|group| distance[group.name.value.as_str()]);
        let mut levels = vec![vec![(Part::Host(&host.name), &*host.layer)]];
        for group in &order {
            let name = group.name.value.as_str();
            let level = distance[name] + 1;
            if levels.len() <= level {
                levels.resize_with(level + 1, Vec::new);
            }
            levels[level].push((Part::Group(name), &group.layer));
        }
        levels.push(vec![(Part::Defaults, &draft.defaults)]);
        suspect |= levels.iter().flatten().any(|(_, layer)| layer.suspect);
        Levels {
            suspect,
            host: &host.name,
            levels,
            groups: order.iter().map(|group| &*group.name.value).collect(),
        }
    }

    /// The nearest value. Two groups of the same level that disagree are reported.
    pub(super) fn pick<T: PartialEq>(
        &self,
        key: &str,
        get: impl Fn(&'d Layer) -> Option<&'d Written<T>>,
        conflicts: &mut Conflicts,
        problems: &mut Problems<'_>,
    ) -> Option<Found<'d, T>> {
        for level in &self.levels {
            let mut found: Option<Found<'d, T>> = None;
            for &(part, layer) in level {
                let Some(written) = get(layer) else {
                    continue;
                };
                match &found {
                    None => {
                        found = Some(Found {
                            value: &written.value,
                            mark: written.mark,
                            part,
                        });
                    }
                    Some(first) if *first.value != written.value => {
                        let (a, b) = (first.mark, written.mark);
                        if conflicts.insert((a.min(b), a.max(b))) {
                            self.report(key, first, part, b, problems);
                        }
                    }
                    Some(_) => {}
                }
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn report<T>(
        &self,
        key: &str,
        first: &Found<'_, T>,
        second: Part<'_>,
        mark: Mark,
        problems: &mut Problems<'_>,
    ) {
        let (Part::Group(one), Part::Group(two)) = (first.part, second) else {
            return;
        };
        let message = format!(
            "the groups `{one}` and `{two}` disagree on `{key}` of the host `{}`",
            self.host
        );
        problems
            .error_at("group-conflict", &[first.mark, mark], message)
            .help("say it at the host, or make one group the parent of the other");
    }

    /// Every name that any layer gives a value under the key (labels, endpoints), each with its nearest
    /// value.
    pub(super) fn named<T: PartialEq>(
        &self,
        key: &str,
        list: impl Fn(&'d Layer) -> &'d [(String, Written<T>)],
        conflicts: &mut Conflicts,
        problems: &mut Problems<'_>,
    ) -> Vec<(&'d str, Found<'d, T>)> {
        let mut names: Vec<&'d str> = self
            .levels
            .iter()
            .flatten()
            .flat_map(|(_, layer)| list(layer).iter().map(|(name, _)| name.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| {
                let get = |layer: &'d Layer| {
                    let found = list(layer).iter().find(|(known, _)| known == name);
                    found.map(|(_, value)| value)
                };
                let found = self.pick(&format!("{key}.{name}"), get, conflicts, problems)?;
                Some((name, found))
            })
            .collect()
    }
}
