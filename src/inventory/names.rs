//! Names that point at something: parents, groups, credentials, hosts that others are reached
//! through.

use std::collections::{HashMap, HashSet};

use super::draft::{Draft, GroupDraft};
use super::nearest::nearest;
use super::problem::Problems;
use super::reach;
use super::yaml::{Mark, Written};

/// For each group its ancestors, nearest first, itself included. Unknown parents and circles are
/// reported.
pub(super) fn group_chains<'d>(
    draft: &'d Draft,
    problems: &mut Problems<'_>,
) -> HashMap<&'d str, Vec<&'d GroupDraft>> {
    let by_name: HashMap<&str, &GroupDraft> = draft
        .groups
        .iter()
        .map(|group| (group.name.value.as_str(), group))
        .collect();
    let mut chains = HashMap::new();
    let mut reported: HashSet<&str> = HashSet::new();
    for group in &draft.groups {
        let mut chain = vec![group];
        let mut at = group;
        while let Some(parent) = &at.parent {
            let Some(next) = by_name.get(parent.value.as_str()) else {
                if std::ptr::eq(at, group) {
                    unknown("group", parent, by_name.keys().copied(), draft, problems);
                }
                break;
            };
            if let Some(begin) = chain.iter().position(|known| std::ptr::eq(*known, *next)) {
                let circle = &chain[begin..];
                if circle.iter().all(|g| !reported.contains(&*g.name.value)) {
                    report_circle(circle, problems);
                }
                reported.extend(circle.iter().map(|g| g.name.value.as_str()));
                break;
            }
            chain.push(next);
            at = next;
        }
        chains.insert(group.name.value.as_str(), chain);
    }
    chains
}

fn report_circle(circle: &[&GroupDraft], problems: &mut Problems<'_>) {
    let marks: Vec<Mark> = circle
        .iter()
        .filter_map(|group| group.parent.as_ref().map(|parent| parent.mark))
        .collect();
    let mut names: Vec<&str> = circle.iter().map(|g| g.name.value.as_str()).collect();
    names.push(names[0]);
    let message = format!("groups are their own parents: {}", names.join(" → "));
    problems
        .error_at("group-circle", &marks, message)
        .help("remove one `parent:`");
}

/// Reports names of groups, hosts and credentials that nothing has.
pub(super) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    let groups: Vec<&str> = draft.groups.iter().map(|g| g.name.value.as_str()).collect();
    let credentials: Vec<&str> = draft.credentials.keys().map(String::as_str).collect();
    let mut seen: HashSet<Mark> = HashSet::new();
    let layers = std::iter::once(&draft.defaults)
        .chain(draft.groups.iter().map(|group| &group.layer))
        .chain(draft.hosts.iter().map(|host| &*host.layer));
    for layer in layers {
        if let Some(list) = &layer.credentials {
            for name in &list.value {
                if !draft.credentials.contains_key(&name.value) && seen.insert(name.mark) {
                    unknown(
                        "credential",
                        name,
                        credentials.iter().copied(),
                        draft,
                        problems,
                    );
                }
            }
            reach::check_types(draft, list, &mut seen, problems);
        }
        if let Some(list) = &layer.depends_on {
            for name in &list.value {
                if !draft.host_index.contains_key(&name.value) && seen.insert(name.mark) {
                    let hosts = draft.hosts.iter().map(|host| host.name.as_str());
                    unknown("host", name, hosts, draft, problems);
                }
            }
        }
    }
    for host in &draft.hosts {
        for group in host.groups.iter() {
            if !groups.contains(&group.value.as_str()) && seen.insert(group.mark) {
                unknown("group", group, groups.iter().copied(), draft, problems);
            }
        }
        let Some(former) = host.renamed_from.as_ref().filter(|f| seen.insert(f.mark)) else {
            continue;
        };
        if let Some(&other) = draft.host_index.get(&former.value) {
            let marks = [former.mark, draft.hosts[other].mark];
            let message = format!("`{}` is still a host of its own", former.value);
            problems
                .error_at("renamed-from", &marks, message)
                .help("`renamed_from` names a host that is not in the inventory any more");
        }
    }
}

/// Reports a name that nothing has, unless it may be in a file that could not be read.
pub(super) fn unknown<'k>(
    what: &str,
    name: &Written<String>,
    known: impl IntoIterator<Item = &'k str>,
    draft: &Draft,
    problems: &mut Problems<'_>,
) {
    if draft.incomplete {
        return;
    }
    let code = match what {
        "group" => "unknown-group",
        "credential" => "unknown-credential",
        _ => "unknown-host",
    };
    let message = format!("there is no {what} `{}`", name.value);
    let mut known: Vec<&str> = known.into_iter().collect();
    let problem = problems.error(code, name.mark, message);
    if let Some(likely) = nearest(&name.value, known.iter().copied()) {
        problem.did_you_mean(Some(likely));
    } else if known.is_empty() {
        problem.help(format!("no {what} is defined"));
    } else if known.len() <= 8 {
        known.sort_unstable();
        problem.help(format!("there are: {}", known.join(", ")));
    }
}
