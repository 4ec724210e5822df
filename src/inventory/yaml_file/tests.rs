//! Places, aliases, merges, and mistakes in the YAML itself.

use super::*;
use crate::inventory::SourceFile;

fn read(text: &str) -> (Option<Node>, Vec<String>) {
    let files = [SourceFile::new("a.yaml", text)];
    let mut problems = Problems::new(&files);
    let node = parse(0, text, &mut problems);
    let list = problems.finish();
    (node, list.iter().map(|p| p.message.clone()).collect())
}

#[test]
fn nodes_know_their_place() {
    let (node, problems) = read("a: 1\nweb:\n  名: {k: \"v w\"}\n");
    assert!(problems.is_empty());
    let Kind::Map(map) = node.unwrap().kind else {
        panic!("a map")
    };
    let web = map.get("web").unwrap();
    assert_eq!((web.key.mark.line, web.key.mark.column), (2, 1));
    assert_eq!(web.key.mark.length, 3);
    let Kind::Map(inner) = &web.value.kind else {
        panic!("a map")
    };
    let name = inner.get("名").unwrap();
    assert_eq!(name.key.mark.column, 3);
    let Kind::Map(last) = &name.value.kind else {
        panic!("a map")
    };
    let mark = last.get("k").unwrap().value.mark;
    assert_eq!((mark.line, mark.column, mark.length), (3, 10, 5));
}

#[test]
fn merges_and_aliases_are_resolved() {
    let (node, problems) = read("x: &b {p: 1, q: 2}\ny: {<<: *b, q: 3}\nz: *b\n");
    assert!(problems.is_empty());
    let Kind::Map(map) = node.unwrap().kind else {
        panic!("a map")
    };
    let Kind::Map(y) = &map.get("y").unwrap().value.kind else {
        panic!("a map")
    };
    assert_eq!(y.get("q").unwrap().value.describe(), "`3`");
    assert_eq!(y.get("p").unwrap().value.describe(), "`1`");
    assert_eq!(map.get("z").unwrap().value.describe(), "a mapping");
}

#[test]
fn an_alias_bomb_ends_early() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let list = vec![format!("*a{}", i - 1); 9].join(",");
        text += &format!("a{i}: &a{i} [{list}]\n");
    }
    let (node, problems) = read(&text);
    assert!(node.is_none() && problems.len() == 1);
}

#[test]
fn aliases_do_not_nest_deeper_than_text() {
    let (open, close) = ("{x: ".repeat(20), "}".repeat(20));
    let mut text = format!("a0: &a0 {open}1{close}\n");
    for i in 1..50 {
        text += &format!("a{i}: &a{i} {open}*a{}{close}\n", i - 1);
    }
    let (node, problems) = read(&text);
    assert!(node.is_none());
    assert_eq!(problems, ["nested deeper than 24 levels"]);
}

#[test]
fn mistakes_in_the_yaml_are_reported_once() {
    for text in [
        "a: [1, 2",
        "a: b: c",
        "a:\n\tb: 1",
        "---\na: 1\n---\nb: 2\n",
        "a: !include x",
        "? [x]\n: y",
    ] {
        let (node, problems) = read(text);
        assert!(node.is_none(), "{text:?}");
        assert_eq!(problems.len(), 1, "{text:?}");
    }
    let (node, problems) = read("a: 1\nb: 2\na: 3\n");
    assert!(node.is_some());
    assert_eq!(problems, ["`a` is written twice"]);
}
