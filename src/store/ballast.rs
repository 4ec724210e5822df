//! Space that is set aside for bad times: a file that is given up when the disk is full, so that the
//! database can be closed, opened and written out.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::path::{Path, PathBuf};

use super::room::Room;

/// The file's name in the data directory.
const FILE: &str = "ballast";
const BYTES: u64 = 64 << 20;
/// No more than this part of a small disk.
const PART: u64 = 50;

/// The file, there or not.
#[derive(Clone, Debug)]
pub struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// That of a data directory on a disk of that size.
    pub fn of(data: &Path, room: Room) -> Ballast {
        Ballast {
            path: data.join(FILE),
            bytes: BYTES.min(room.total_bytes / PART),
        }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn is_there(&self) -> bool {
        self.path.is_file()
    }

    /// Takes the space.
    pub fn fill(&self) -> Result<()> {
        let part = self.path.with_extension("part");
        let filled = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)
            .and_then(|file| reserve(&file, self.bytes))
            .and_then(|()| std::fs::rename(&part, &self.path));
        if filled.is_err() {
            // It may never have been made.
            let _ = std::fs::remove_file(&part);
        }
        filled
    }

    /// Gives the space up. `false`: it was given up before.
    pub fn release(&self) -> Result<bool> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Blocks without content; where the file system knows no such thing, zeros.
fn reserve(file: &File, bytes: u64) -> Result<()> {
    use std::io::Write;
    if rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes).is_ok() {
        return Ok(());
    }
    let zeros = vec![0; 1 << 20];
    let mut file = file;
    let mut left = bytes;
    while left > 0 {
        let now = left.min(zeros.len() as u64);
        file.write_all(&zeros[..now as usize])?;
        left -= now;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_is_really_taken_and_given_back() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let room = Room {
            total_bytes: 50 << 20,
            free_bytes: 0,
        };
        let ballast = Ballast::of(directory.path(), room);
        assert_eq!(ballast.bytes(), 1 << 20);
        assert!(!ballast.is_there());
        ballast.fill().unwrap();
        let found = std::fs::metadata(directory.path().join(FILE)).unwrap();
        assert_eq!(found.len(), 1 << 20);
        assert!(found.blocks() * 512 >= 1 << 20, "no hole");
        assert!(ballast.release().unwrap());
        assert!(!ballast.release().unwrap());
        let none = Path::new("/proc/nowhere");
        assert!(Ballast::of(none, room).fill().is_err());
    }
}
