//! The home directory: where the files are, and the embedded ones that they override.

mod query;
mod secret;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::inventory::{self, Examined, Outside, Secret, SecretRef, SourceFile};

/// A file of the home longer than this is refused: nobody writes one by hand.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// More files than this in one folder are refused.
const FILES_MAX: usize = 2000;

/// A directory with `inventory/`, `queries/` and `templates/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at this directory, made absolute. It need not exist yet.
    pub fn at(root: &Path) -> io::Result<Home> {
        Ok(Home {
            root: std::path::absolute(root)?,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `path` if absolute, else below the home.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The directories whose changes call for a reload, those that exist.
    pub fn watched(&self) -> Vec<PathBuf> {
        [
            "inventory",
            "inventory/hosts.d",
            "inventory/profiles",
            "inventory/rules",
        ]
        .iter()
        .map(|folder| self.root.join(folder))
        .filter(|folder| folder.is_dir())
        .collect()
    }

    /// Reads the inventory with its secrets: the files, and what they say or what is wrong with
    /// them. `Err`: a file that cannot be read and why.
    pub fn load(&self) -> Result<(Vec<SourceFile>, Examined), String> {
        let files = self.inventory_files()?;
        let examined = inventory::examine(&files, self);
        Ok((files, examined))
    }

    /// The inventory's files in the order in which they are read: settings, hosts, hosts.d/*,
    /// profiles/* and rules/* (embedded ones that no file overrides included). `Err`: what cannot be read and why.
    pub fn inventory_files(&self) -> Result<Vec<SourceFile>, String> {
        let folder = self.root.join("inventory");
        if !folder.is_dir() {
            return Err(format!(
                "{} has no inventory/ folder: make one with `eider init {0}`, or name the home with --home DIR or EIDER_HOME",
                self.root.display()
            ));
        }
        // Files beside the known ones are read as well, so that the loader can tell that they are
        // not used.
        let mut paths = self.yaml_below("inventory")?;
        let order = ["inventory/settings.yaml", "inventory/hosts.yaml"];
        paths.sort_by_key(|path| order.iter().position(|known| known == path).unwrap_or(2));
        paths.extend(self.yaml_below("inventory/hosts.d")?);
        let mut files = Vec::new();
        for path in &paths {
            files.push(self.source(path)?);
        }
        self.overriding::<ProfileAssets>("inventory/profiles", &mut files)?;
        self.overriding::<RulesAssets>("inventory/rules", &mut files)?;
        Ok(files)
    }

    /// The profiles alone, in a home that may not be there.
    pub fn profile_files(&self) -> Result<Vec<SourceFile>, String> {
        let mut files = Vec::new();
        self.overriding::<ProfileAssets>("inventory/profiles", &mut files)?;
        Ok(files)
    }

    /// The files of a folder: those on disk, and the embedded ones that none of them overrides.
    fn overriding<A: RustEmbed>(
        &self,
        folder: &str,
        files: &mut Vec<SourceFile>,
    ) -> Result<(), String> {
        let on_disk = self.yaml_below(folder)?;
        let embedded = A::iter()
            .filter(|name| is_inventory_name(name))
            .map(|name| format!("{folder}/{name}"));
        let names: BTreeSet<String> = on_disk.iter().cloned().chain(embedded).collect();
        for path in names {
            if on_disk.contains(&path) {
                files.push(self.source(&path)?);
            } else if let Some(text) = embedded_text::<A>(&path[folder.len() + 1..]) {
                files.push(SourceFile::new(path, text));
            }
        }
        Ok(())
    }

    /// The text of a file of `queries/` or `templates/`: the one on disk, else the embedded one.
    /// The name uses `/` and never leaves the folder.
    pub fn asset(&self, folder: Folder, name: &str) -> Option<String> {
        String::from_utf8(self.asset_bytes(folder, name)?).ok()
    }

    /// As [`Home::asset`], for files that are not text.
    pub fn asset_bytes(&self, folder: Folder, name: &str) -> Option<Vec<u8>> {
        if !is_safe_name(name) {
            return None;
        }
        let on_disk = self.root.join(folder.as_str()).join(name);
        if on_disk.is_file() {
            match read_capped(&on_disk) {
                Ok(bytes) => return Some(bytes),
                // An unreadable file must not quietly give way to the embedded one.
                Err(error) => {
                    tracing::warn!(path = %on_disk.display(), %error, "cannot read the file");
                    return None;
                }
            }
        }
        match folder {
            Folder::Queries => QueryAssets::get(name),
            Folder::Templates => TemplateAssets::get(name),
        }
        .map(|file| file.data.into_owned())
    }

    /// The names of all files of the folder, embedded and on disk, sorted.
    pub fn asset_names(&self, folder: Folder) -> Vec<String> {
        let mut names: BTreeSet<String> = match folder {
            Folder::Queries => QueryAssets::iter().map(|name| name.into_owned()).collect(),
            Folder::Templates => TemplateAssets::iter()
                .map(|name| name.into_owned())
                .collect(),
        };
        let below = self.root.join(folder.as_str());
        collect_names(&below, "", 0, &mut names);
        names
            .into_iter()
            .filter(|name| is_safe_name(name))
            .collect()
    }

    /// The `*.yaml` files of a folder as paths relative to the home, sorted; none when there is no
    /// such folder.
    fn yaml_below(&self, folder: &str) -> Result<Vec<String>, String> {
        let directory = self.root.join(folder);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("cannot list {}: {error}", directory.display())),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let entry =
                entry.map_err(|error| format!("cannot list {}: {error}", directory.display()))?;
            let name = entry.file_name();
            if let Some(name) = name.to_str().filter(|name| is_inventory_name(name)) {
                paths.push(format!("{folder}/{name}"));
            }
            if paths.len() > FILES_MAX {
                return Err(format!("more than {FILES_MAX} files in {folder}"));
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn source(&self, path: &str) -> Result<SourceFile, String> {
        let full = self.root.join(path);
        let cannot = |why: &dyn std::fmt::Display| format!("cannot read {path}: {why}");
        // Opening a pipe would wait for its writer.
        let about = fs::metadata(&full).map_err(|error| cannot(&error))?;
        if !about.is_file() {
            return Err(cannot(&"it is not a regular file"));
        }
        let bytes = read_capped(&full).map_err(|error| cannot(&error))?;
        Ok(SourceFile {
            path: path.to_owned(),
            text: String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8 text"))?,
            private: about.mode() & 0o077 == 0,
        })
    }
}

impl Outside for Home {
    fn secret(&self, reference: &SecretRef) -> Result<Secret, String> {
        secret::resolve(&self.root, reference)
    }

    fn key_file(&self, path: &str) -> Result<String, String> {
        secret::key_file(&self.root, path)
    }
}

/// A folder of files that ship with the binary and that the home overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    Queries,
    Templates,
}

impl Folder {
    fn as_str(self) -> &'static str {
        match self {
            Folder::Queries => "queries",
            Folder::Templates => "templates",
        }
    }
}

#[derive(RustEmbed)]
#[folder = "inventory/profiles/"]
struct ProfileAssets;

#[derive(RustEmbed)]
#[folder = "inventory/rules/"]
struct RulesAssets;

#[derive(RustEmbed)]
#[folder = "queries/"]
struct QueryAssets;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct TemplateAssets;

fn embedded_text<A: RustEmbed>(name: &str) -> Option<String> {
    String::from_utf8(A::get(name)?.data.into_owned()).ok()
}

/// A file of the inventory: YAML, not hidden (editors leave such), not a test of rules.
fn is_inventory_name(name: &str) -> bool {
    (name.ends_with(".yaml") || name.ends_with(".yml"))
        && !name.ends_with(".test.yaml")
        && is_safe_name(name)
}

/// Whether the name stays below its folder: no empty, hidden or parent part.
fn is_safe_name(name: &str) -> bool {
    !name.contains(['\\', '\0'])
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('~'))
}

fn read_capped(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "longer than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}

fn collect_names(directory: &Path, prefix: &str, depth: usize, names: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = entry.path();
        if path.is_dir() && depth < 4 {
            collect_names(&path, &format!("{prefix}{name}/"), depth + 1, names);
        } else if path.is_file() && names.len() < FILES_MAX {
            names.insert(format!("{prefix}{name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_their_folder() {
        for good in ["a.sql", "mail/alert.html", "i18n/zh-CN.ftl"] {
            assert!(is_safe_name(good), "{good}");
        }
        for bad in [
            "",
            "../a",
            "a/../b",
            "/etc/passwd",
            "a//b",
            ".hidden",
            "a\\b",
            "a~",
        ] {
            assert!(!is_safe_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_file_on_disk_overrides_the_embedded_one() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path()).unwrap();
        fs::create_dir_all(directory.path().join("inventory/rules")).unwrap();
        let path = "inventory/rules/base.yaml";
        let embedded = home.inventory_files().unwrap();
        let base = embedded.iter().find(|f| f.path == path).unwrap();
        assert!(base.text.contains("host-down"));
        fs::write(directory.path().join(path), "rules: []\n").unwrap();
        let files = home.inventory_files().unwrap();
        assert_eq!(files.iter().filter(|f| f.path == path).count(), 1);
        let base = files.iter().find(|f| f.path == path).unwrap();
        assert_eq!(base.text, "rules: []\n");
    }

    #[test]
    fn a_home_without_an_inventory_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path()).unwrap();
        let error = home.inventory_files().unwrap_err();
        assert!(error.contains("eider init"), "{error}");
    }
}
