//! [`FileId`] and [`Stamp`]: which file has a name, and whether somebody has written to it.

use std::{fs, io, path::Path};

/// Which file it is, whatever its name.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// There is nothing to tell files by: all are the same.
#[cfg(not(unix))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId;

/// How long a file is, and when it was last changed, as the system's clock has it. The clock of a file system goes by ticks of
/// up to 10 ms: of two changes within one tick only the first can be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) length: u64,
    changed: Changed,
}

/// Seconds and nanoseconds. Nobody can set this time, as opposed to that of the last modification.
#[cfg(unix)]
type Changed = (i64, i64);

#[cfg(not(unix))]
type Changed = Option<std::time::SystemTime>;

impl FileId {
    /// Of the file that has this name now; none when there is none. A link is not the file that it leads to.
    pub(crate) fn at(path: &Path) -> io::Result<Option<Self>> {
        Ok(Self::and_stamp_at(path)?.map(|(id, _)| id))
    }

    /// The same, with its stamp.
    pub(crate) fn and_stamp_at(path: &Path) -> io::Result<Option<(Self, Stamp)>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(of(&metadata))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(unix)]
fn of(metadata: &fs::Metadata) -> (FileId, Stamp) {
    use std::os::unix::fs::MetadataExt as _;

    let id = FileId { device: metadata.dev(), inode: metadata.ino() };
    (id, Stamp { length: metadata.len(), changed: (metadata.ctime(), metadata.ctime_nsec()) })
}

#[cfg(not(unix))]
fn of(metadata: &fs::Metadata) -> (FileId, Stamp) {
    (FileId, Stamp { length: metadata.len(), changed: metadata.modified().ok() })
}
