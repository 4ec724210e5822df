//! What a source file refers to: its paths inside the crate, the crates it names, its length.

/// One reference of a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Inside the crate: from its root (`store::Recorder`). Outside: from the other crate's root.
    pub(super) path: Vec<String>,
    pub(super) inside: bool,
    pub(super) line: usize,
    /// In an item under `#[cfg(test)]`.
    pub(super) in_test: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// The module that a file below `src/` is: `src/collect/ssh/mod.rs` → `collect::ssh`; the root for
/// `lib.rs`.
pub(super) fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

/// Every path that the text names: in `use` (groups taken apart) and in line.
pub(super) fn references(path: &str, text: &str) -> Vec<Reference> {
    let tokens = tokens(text);
    let mut scan = Scan {
        tokens: &tokens,
        module: module_of(path),
        nesting: Vec::new(),
        found: Vec::new(),
    };
    scan.run();
    scan.found
}

struct Scan<'a> {
    tokens: &'a [Token],
    module: Vec<String>,
    /// One entry per open brace: the inline module that it opens, and whether it is for tests only.
    nesting: Vec<(Option<String>, bool)>,
    found: Vec<Reference>,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut at = 0;
        let mut opens_module = None;
        let mut test_item = false;
        while at < self.tokens.len() {
            match self.text(at) {
                "#" if self.is_at(at, &["#", "[", "cfg", "(", "test", ")", "]"]) => {
                    test_item = true;
                    at += 7;
                    continue;
                }
                "mod" if self.text(at + 2) == "{" => {
                    opens_module = Some(self.text(at + 1).to_owned())
                }
                "{" => self
                    .nesting
                    .push((opens_module.take(), std::mem::take(&mut test_item))),
                "}" => {
                    self.nesting.pop();
                }
                ";" => test_item = false,
                "use" => {
                    at = self.tree(at + 1, &[], test_item);
                    continue;
                }
                first if self.starts_path(at, first) => {
                    at = self.tree(at, &[], test_item);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn is_at(&self, at: usize, texts: &[&str]) -> bool {
        texts
            .iter()
            .enumerate()
            .all(|(i, text)| self.text(at + i) == *text)
    }

    /// A path's first name, followed by `::` and not itself behind one.
    fn starts_path(&self, at: usize, first: &str) -> bool {
        let behind = at > 0 && self.text(at - 1) == "::" && at > 1 && is_name(self.text(at - 2));
        is_name(first) && self.text(at + 1) == "::" && !behind
    }

    /// Reads a path or a `use` tree from here; returns where it ends.
    fn tree(&mut self, mut at: usize, prefix: &[String], test_item: bool) -> usize {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        let mut path = prefix.to_vec();
        if self.text(at) == "::" {
            at += 1;
        }
        loop {
            if self.text(at) == "{" {
                at += 1;
                while at < self.tokens.len() && self.text(at) != "}" {
                    at = self.tree(at, &path, test_item);
                    if self.text(at) == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            if !is_name(self.text(at)) && self.text(at) != "*" {
                // Generic arguments end what can be followed: `Vec::<crate::x::Y>`.
                break;
            }
            path.push(self.text(at).to_owned());
            at += 1;
            if self.text(at) != "::" {
                break;
            }
            at += 1;
        }
        if self.text(at) == "as" {
            at += 2;
        }
        self.note(&path, line, test_item);
        at
    }

    fn note(&mut self, path: &[String], line: usize, test_item: bool) {
        let inline = self.nesting.iter().filter_map(|(module, _)| module.clone());
        let here: Vec<String> = self.module.iter().cloned().chain(inline).collect();
        let in_test = test_item || self.nesting.iter().any(|(_, test)| *test);
        let Some((inside, path)) = resolve(&here, path) else {
            return;
        };
        self.found.push(Reference {
            path,
            inside,
            line,
            in_test,
        });
    }
}

/// From the root: `None` for paths that stay in the module or begin with a local name alone.
fn resolve(here: &[String], path: &[String]) -> Option<(bool, Vec<String>)> {
    let rest = |n: usize| path[n..].to_vec();
    match path.first()?.as_str() {
        "crate" | "eider" => Some((true, rest(1))),
        "self" => Some((true, [here, &rest(1)].concat())),
        "super" => {
            let ups = path.iter().take_while(|name| *name == "super").count();
            let parent = here.get(..here.len().checked_sub(ups)?)?;
            Some((true, [parent, &rest(ups)].concat()))
        }
        _ => Some((false, path.to_vec())),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single punctuation; comments, strings, characters and numbers are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let c = chars[at];
        let end = match c {
            '/' if chars.get(at + 1) == Some(&'/') => end_of_line(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => end_of_block(&chars, at),
            '"' => end_of_string(&chars, at + 1),
            '\'' => end_of_char(&chars, at),
            'r' | 'b' | 'c' if raw_start(&chars, at).is_some() => {
                end_of_raw(&chars, raw_start(&chars, at).expect("just seen"))
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = end_of_name(&chars, at);
                let text = chars[at..end].iter().collect();
                tokens.push(Token { text, line });
                end
            }
            c if c.is_ascii_digit() => end_of_name(&chars, at),
            ':' if chars.get(at + 1) == Some(&':') => {
                tokens.push(Token {
                    text: "::".into(),
                    line,
                });
                at + 2
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token {
                        text: c.to_string(),
                        line,
                    });
                }
                at + 1
            }
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    let rest = chars[at..].iter().position(|c| *c == '\n');
    rest.map_or(chars.len(), |n| at + n)
}

fn end_of_block(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (1, at + 2);
    while at < chars.len() && depth > 0 {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 1),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 1),
            _ => {}
        }
        at += 1;
    }
    at
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A character, or only the quote of a lifetime.
fn end_of_char(chars: &[char], at: usize) -> usize {
    match chars.get(at + 1) {
        Some('\\') => {
            let close = chars.iter().skip(at + 3).position(|c| *c == '\'');
            close.map_or(chars.len(), |n| at + 3 + n + 1)
        }
        Some(_) if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at + 1,
    }
}

/// The place of the first `#` or `"` of a raw (or byte, or C) string that begins here.
fn raw_start(chars: &[char], at: usize) -> Option<usize> {
    if at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_') {
        return None;
    }
    let letters = chars[at..]
        .iter()
        .take(2)
        .take_while(|c| "rbc".contains(**c))
        .count();
    let start = at + letters;
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    (chars.get(start + hashes) == Some(&'"')).then_some(start)
}

fn end_of_raw(chars: &[char], start: usize) -> usize {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    let raw = chars[..start].last() == Some(&'r');
    if !raw {
        return end_of_string(chars, start + 1);
    }
    let mut at = start + hashes + 1;
    while at < chars.len() {
        let closes = chars[at] == '"'
            && chars[at + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes;
        if closes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    chars.len()
}

fn end_of_name(chars: &[char], at: usize) -> usize {
    let rest = chars[at..]
        .iter()
        .position(|c| !c.is_alphanumeric() && *c != '_');
    rest.map_or(chars.len(), |n| at + n)
}
