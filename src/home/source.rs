//! What a source of hosts says now, and the hosts file that is kept of it.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use super::secret::{Bounds, run};
use super::{FILES_MAX, Home, read_capped};
use crate::import::{From, Source};
use crate::inventory::{self, SourceFile};

/// A program that says what hosts there are may ask others.
const BOUNDS: Bounds = Bounds {
    bytes: super::FILE_BYTES_MAX,
    deadline: Duration::from_secs(60),
};

impl Home {
    /// Asks a source and writes its hosts file anew when it says something else than before; whether
    /// it did. A text that the loader would refuse is not written.
    ///
    /// # Errors
    /// Why the file stays as it was, in one sentence.
    pub fn follow(&self, source: &Source) -> Result<bool, String> {
        let texts = fetch(&self.root, &source.from)?;
        let Some(yaml) = source.hosts_file(&texts)? else {
            return Err("it names no host; that is not believed".into());
        };
        let path = source.path();
        let full = self.root.join(&path);
        let before = read_capped(&full).ok();
        if before.as_deref() == Some(yaml.as_bytes()) {
            return Ok(false);
        }
        let mut files = self.inventory_files()?;
        let is_good = |files: &[SourceFile]| inventory::load(files, self).0.is_some();
        let was_good = is_good(&files);
        files.retain(|file| file.path != path);
        files.push(SourceFile::new(path.as_str(), yaml.as_str()));
        // In an inventory that is broken elsewhere there is nothing to be judged.
        if was_good && !is_good(&files) {
            let (_, problems) = inventory::load(&files, self);
            let first = problems
                .first()
                .map_or_else(String::new, |problem| problem.message.clone());
            return Err(format!("with its hosts the inventory has errors: {first}"));
        }
        let written = replace(&full, yaml.as_bytes());
        written.map_err(|error| format!("cannot write {path}: {error}"))?;
        Ok(true)
    }
}

/// The old file or the new one, never half of it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The texts, each with the name of what it came from. The error is one sentence.
fn fetch(root: &Path, from: &From) -> Result<Vec<(String, String)>, String> {
    match from {
        From::Command(words) => {
            let bytes = run(root, words, BOUNDS)?;
            let name = words.first().cloned().unwrap_or_default();
            Ok(vec![(name, text(bytes)?)])
        }
        From::File(path) => {
            let mut texts = Vec::new();
            for path in files(&root.join(path))? {
                let shown = path.display().to_string();
                let cannot = |why: &dyn std::fmt::Display| format!("cannot read {shown}: {why}");
                if !path.is_file() {
                    return Err(cannot(&"there is no such file"));
                }
                let bytes = read_capped(&path).map_err(|error| cannot(&error))?;
                let text = text(bytes).map_err(|why| cannot(&why))?;
                texts.push((shown, text));
            }
            Ok(texts)
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".into())
}

/// The file itself, or those that a `*` in its name stands for, by name.
fn files(path: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let parts = name.and_then(|name| name.split_once('*'));
    let (Some((head, tail)), Some(folder)) = (parts, path.parent()) else {
        return Ok(vec![path.to_owned()]);
    };
    let listed = std::fs::read_dir(folder)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let fits = |name: &str| {
        name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
    };
    let mut found: Vec<_> = listed
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .take(FILES_MAX)
        .collect();
    found.sort();
    Ok(found)
}
