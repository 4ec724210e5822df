//! The home directory: where the files are, and the embedded ones that they override.

use std::path::{Path, PathBuf};

use crate::inventory::SourceFile;

/// A directory with `inventory/`, `queries/` and `templates/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at this directory, made absolute. It need not exist yet.
    pub fn at(root: &Path) -> std::io::Result<Home> {
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

    /// The inventory's files in the order in which they are read: settings, hosts, hosts.d/*,
    /// rules/* (embedded ones that no file overrides included). `Err`: what cannot be read and why.
    pub fn inventory_files(&self) -> Result<Vec<SourceFile>, String> {
        Ok(Vec::new())
    }

    /// The text of a file of `queries/` or `templates/`: the one on disk, else the embedded one.
    /// The name uses `/` and never leaves the folder.
    pub fn asset(&self, folder: Folder, name: &str) -> Option<String> {
        let _ = (folder, name);
        None
    }

    /// The names of all files of the folder, embedded and on disk, sorted.
    pub fn asset_names(&self, folder: Folder) -> Vec<String> {
        let _ = folder;
        Vec::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    Queries,
    Templates,
}
