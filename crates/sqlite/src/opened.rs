//! [`Opened`]: which files this process has open.
//!
//! To close a file is to give up all locks that the process has on it, those of another store on the same file too. So
//! nobody but SQLite opens a file of a store, unless no store of this process has it open.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many stores of this process have which file open.
static OPEN: Mutex<BTreeMap<FileId, usize>> = Mutex::new(BTreeMap::new());

/// Which file it is, whatever its name.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// There is nothing to tell files by: all are the same.
#[cfg(not(unix))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId;

impl FileId {
    /// Of the file that has this name now; none when there is none. A link is not the file that it leads to.
    pub(crate) fn at(path: &Path) -> io::Result<Option<Self>> {
        Ok(Self::and_length_at(path)?.map(|(id, _)| id))
    }

    /// The same, and how long the file is.
    pub(crate) fn and_length_at(path: &Path) -> io::Result<Option<(Self, u64)>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some((Self::of(&metadata), metadata.len()))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> Self {
        Self
    }
}

/// That a store has a file open, until this is dropped.
#[derive(Debug)]
pub(crate) struct Opened(FileId);

/// The right to open a file, one store after the other.
pub(crate) struct Opening(MutexGuard<'static, BTreeMap<FileId, usize>>);

impl Opening {
    /// Waits for its turn.
    pub(crate) fn begin() -> Self {
        Self(open())
    }

    /// Whether a store of this process has it open.
    pub(crate) fn has_open(&self, file: FileId) -> bool {
        self.0.contains_key(&file)
    }

    pub(crate) fn done(mut self, file: FileId) -> Opened {
        *self.0.entry(file).or_default() += 1;
        Opened(file)
    }
}

impl Opened {
    pub(crate) fn file(&self) -> FileId {
        self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut open = open();
        match open.get_mut(&self.0) {
            Some(stores) if *stores > 1 => *stores -= 1,
            _ => drop(open.remove(&self.0)),
        }
    }
}

fn open() -> MutexGuard<'static, BTreeMap<FileId, usize>> {
    // Nothing that is done under this lock leaves the map half-changed.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
