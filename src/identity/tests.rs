//! Which entity a row is about, case by case.

use super::*;

fn port(name: &str, alias: &str, mac: &str) -> Arc<EntityKey> {
    Arc::new(EntityKey {
        name: name.into(),
        alias: alias.into(),
        mac: mac.into(),
        kind: "6".into(),
    })
}

fn ids(r: &Resolved) -> Vec<EntityId> {
    r.ids.iter().map(|i| i.expect("resolved")).collect()
}

#[test]
fn a_name_keeps_its_entity_whatever_the_order() {
    let mut all = Identities::default();
    let a = all.resolve(1, "interface", &[port("a", "", ""), port("b", "", "")]);
    let b = all.resolve(1, "interface", &[port("b", "", ""), port("a", "", "")]);
    assert_eq!(ids(&a), [0, 1]);
    assert_eq!(ids(&b), [1, 0]);
    assert!(
        a.events.is_empty() && b.new.is_empty(),
        "the first sight is no event"
    );
}

#[test]
fn hosts_and_tables_do_not_mix() {
    let mut all = Identities::default();
    let a = all.resolve(1, "interface", &[port("a", "", "")]);
    let b = all.resolve(2, "interface", &[port("a", "", "")]);
    let c = all.resolve(1, "disk", &[port("a", "", "")]);
    assert_eq!([ids(&a), ids(&b), ids(&c)].concat(), [0, 1, 2]);
}

#[test]
fn a_renamed_port_keeps_its_entity_and_leaves_an_event() {
    let mut all = Identities::default();
    all.resolve(
        1,
        "interface",
        &[port("Gi1", "customer A", "aa"), port("Gi2", "", "bb")],
    );
    let r = all.resolve(
        1,
        "interface",
        &[port("Te1", "customer A", "aa"), port("Gi2", "", "bb")],
    );
    assert_eq!(ids(&r), [0, 1]);
    assert_eq!(r.events[0].1.message, "Gi1 is now called Te1");
    assert_eq!(all.name(1, "interface", 0), Some("Te1"));
    let again = all.resolve(1, "interface", &[port("Te1", "customer A", "aa")]);
    assert!(again.events.is_empty() && again.renamed.is_empty());
}

#[test]
fn what_could_be_two_is_neither() {
    let mut all = Identities::default();
    all.resolve(1, "interface", &[port("a", "x", "m"), port("b", "x", "m")]);
    let r = all.resolve(1, "interface", &[port("c", "x", "m")]);
    assert_eq!(ids(&r), [2]);
    assert!(r.events[0].1.message.contains("more than one former"));
    let r = all.resolve(1, "interface", &[port("d", "y", "n")]);
    assert_eq!(ids(&r), [3]);
    let two = all.resolve(1, "interface", &[port("e", "y", "n"), port("f", "y", "n")]);
    assert_eq!(
        ids(&two),
        [4, 5],
        "two heirs of one entity: neither inherits"
    );
}

#[test]
fn a_swap_of_names_is_not_a_rename() {
    let mut all = Identities::default();
    all.resolve(1, "interface", &[port("a", "", "m1"), port("b", "", "m2")]);
    let r = all.resolve(1, "interface", &[port("a", "", "m2"), port("b", "", "m1")]);
    assert_eq!(ids(&r), [0, 1], "the name comes first");
    assert_eq!(r.renamed.len(), 2, "the marks are refreshed");
}

#[test]
fn the_same_keys_again_find_the_same_entities_and_others_are_looked_at() {
    let mut all = Identities::default();
    let keys = [port("a", "", "m1"), port("b", "", "m2")];
    all.resolve(1, "interface", &keys);
    let again = all.resolve(1, "interface", &keys);
    assert_eq!(ids(&again), [0, 1]);
    let marked = [port("a", "", "m1"), port("b", "x", "m2")];
    assert_eq!(all.resolve(1, "interface", &marked).renamed.len(), 1);
    assert_eq!(ids(&all.resolve(1, "interface", &keys[1..])), [1]);
}

#[test]
fn equal_names_stay_distinct() {
    let mut all = Identities::default();
    let r = all.resolve(
        1,
        "interface",
        &[port("e", "", ""), port("e", "", ""), port("e", "", "")],
    );
    assert_eq!(ids(&r), [0, 1, 2]);
    let again = all.resolve(
        1,
        "interface",
        &[port("e", "", ""), port("e", "", ""), port("e", "", "")],
    );
    assert_eq!(ids(&again), [0, 1, 2]);
}

#[test]
fn known_entities_are_found_and_new_numbers_follow() {
    let mut all = Identities::default();
    all.know(1, "filesystem", 41, EntityKey::named("/"));
    let r = all.resolve(
        1,
        "filesystem",
        &[
            EntityKey::named("/").into(),
            EntityKey::named("/var").into(),
        ],
    );
    assert_eq!(ids(&r), [41, 42]);
}
