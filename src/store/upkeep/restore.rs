//! Puts a snapshot, or a copy of a stopped data directory, into a data directory. Nothing is
//! overwritten, and what is there stays as it is until the copy has been checked.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::open::{self, FILE, wal_of};
use super::super::sealed::manifest;
use super::super::{StoreError, lock, migrate};
use super::place::{self, Draft, link_or_copy};
use super::snapshot::{SEALED, STATE};
use super::{Tell, step};

/// What moves, the database last: without it there is no history.
const PARTS: [&str; 3] = [STATE, SEALED, FILE];

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Restored {
    pub files: usize,
    pub bytes: i64,
    /// Where the history that was there before lies now.
    pub set_aside: Option<PathBuf>,
}

/// What is to be put where.
#[derive(Clone, Debug)]
pub struct Restore {
    /// A snapshot, or a copy of a data directory.
    pub from: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// A history that is there is moved aside; without this it is an error.
    pub set_aside: bool,
    /// Copies sealed files even where a second name would do.
    pub copy: bool,
}

impl Restore {
    /// Does it; no daemon may run on the data directory.
    pub fn run(&self, tell: Tell<'_>) -> Result<Restored, StoreError> {
        if !self.from.join(FILE).is_file() {
            return Err(StoreError::Other(format!(
                "{} is no snapshot: there is no {FILE} in it",
                self.from.display()
            )));
        }
        place::make_directory(&self.data)?;
        let _lock = lock::take(&self.data, &self.data.join(FILE))?;
        let has_state = self.from.join(STATE).is_dir();
        let taken: Vec<&str> = PARTS
            .into_iter()
            .filter(|part| *part != STATE || has_state)
            .filter(|part| is_taken(&self.data.join(part)))
            .collect();
        if !taken.is_empty() && !self.set_aside {
            return Err(StoreError::Other(format!(
                "{} has {} already: nothing is overwritten. Use another home, or --set-aside to move it to a directory beside it",
                self.data.display(),
                taken.join(" and ")
            )));
        }
        let draft = Draft::of(&self.data.join("restoring"))?;
        let mut restored = self.fetch(&draft, tell)?;
        if has_state {
            for path in files(&self.from.join(STATE)) {
                if let Some(name) = path.file_name() {
                    link_or_copy(&path, &draft.path().join(STATE).join(name), true)?;
                }
            }
        }
        if !taken.is_empty() {
            restored.set_aside = Some(self.move_aside(&taken)?);
        }
        for part in PARTS {
            let from = draft.path().join(part);
            let to = self.data.join(part);
            if from.exists() {
                // An empty directory that a daemon made.
                let _ = std::fs::remove_dir(&to);
                std::fs::rename(&from, &to).map_err(|e| place::failed(&to, "put there", &e))?;
                place::sync(&self.data)?;
            }
        }
        Ok(restored)
    }

    /// Copies the database, checks it, and fetches the files that it knows.
    fn fetch(&self, draft: &Draft, tell: Tell<'_>) -> Result<Restored, StoreError> {
        step(tell, 0, 1, FILE)?;
        let database = draft.path().join(FILE);
        for (from, to) in [
            (self.from.join(FILE), database.clone()),
            (wal_of(&self.from.join(FILE)), wal_of(&database)),
        ] {
            if from.is_file() {
                link_or_copy(&from, &to, true)?;
            }
        }
        let connection = open::plain(&database)?;
        migrate::refuse_newer(&connection, &self.from.join(FILE))?;
        let entries = manifest::read(&connection)?;
        let mut restored = Restored::default();
        for (done, entry) in entries.iter().enumerate() {
            step(tell, done, entries.len(), &entry.path)?;
            let from = self.from.join(SEALED).join(&entry.path);
            let size = std::fs::metadata(&from)
                .map_err(|e| StoreError::Other(format!("{} is missing: {e}", from.display())))?;
            if i64::try_from(size.len()) != Ok(entry.bytes) {
                return Err(StoreError::Other(format!(
                    "{} has {} bytes, its manifest says {}: the copy is not whole",
                    from.display(),
                    size.len(),
                    entry.bytes
                )));
            }
            link_or_copy(
                &from,
                &draft.path().join(SEALED).join(&entry.path),
                self.copy,
            )?;
            restored.files += 1;
            restored.bytes += entry.bytes;
        }
        place::make_directory(&draft.path().join(SEALED))?;
        // The next open makes the views anew, for the files where they lie then.
        connection.execute_batch("DELETE FROM raw.meta WHERE key = 'shape'; CHECKPOINT")?;
        drop(connection);
        place::sync(&database)?;
        Ok(restored)
    }

    fn move_aside(&self, taken: &[&str]) -> Result<PathBuf, StoreError> {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let aside = self.data.join(format!("before-restore-{now}"));
        place::make_directory(&aside)?;
        let wal = wal_of(Path::new(FILE));
        let all = taken.iter().map(Path::new).chain([wal.as_path()]);
        for part in all.rev() {
            let from = self.data.join(part);
            if from.exists() {
                std::fs::rename(&from, aside.join(part))
                    .map_err(|e| place::failed(&from, "moved aside", &e))?;
            }
        }
        place::sync(&aside)?;
        Ok(aside)
    }
}

fn is_taken(path: &Path) -> bool {
    // A daemon that never stored anything leaves directories without files.
    if path.is_dir() {
        return has_files(path);
    }
    path.exists()
}

fn has_files(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .any(|path| !path.ends_with("empty") && (!path.is_dir() || has_files(&path)))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.is_file()).collect()
}
