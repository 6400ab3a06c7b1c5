//! [`FilePath`]: where the file is, for whoever opens it or speaks of it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use crate::error::{Doing, Error};

/// The absolute path of a store's file: it means the same after the process has changed its working directory, and
/// SQLite cannot take it for a URI. Where the name is a link, it is that of the file that the link leads to: SQLite keeps the
/// log beside that one. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct FilePath(Arc<Path>);

impl FilePath {
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let named = Self::of_name(path)?;
        let Ok(target) = fs::read_link(named.as_path()) else { return Ok(named) };
        match fs::canonicalize(named.as_path()) {
            Ok(file) => Ok(Self(file.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::DanglingLink { path: named, target })
            }
            Err(source) => Err(Error::Io { path: named, doing: Doing::Opening, source }),
        }
    }

    /// The path of the name itself, if it is a link too.
    pub(crate) fn of_name(path: &Path) -> Result<Self, Error> {
        match absolute(path) {
            Ok(absolute) => Ok(Self(absolute.into())),
            Err(source) => Err(Error::Io { path: Self(path.into()), doing: Doing::Opening, source }),
        }
    }

    /// Whether a name is of what SQLite, or the store, keeps beside the file.
    pub(crate) fn has_beside_it(&self, other: &Self) -> bool {
        let file = |path: &Path| {
            let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok())?;
            Some((folder, path.file_name()?.to_owned()))
        };
        let (Some((folder, name)), Some((other_folder, other_name))) = (file(&self.0), file(&other.0)) else {
            return false;
        };
        let name = name.to_string_lossy();
        let other_name = other_name.to_string_lossy();
        let end = other_name.strip_prefix(&*name);
        folder == other_folder
            && end.is_some_and(|end| matches!(end, "-wal" | "-shm" | "-journal") || end.ends_with(".lock"))
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }

    /// The folder that the file is in.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.0.parent()
    }

    /// Its name in that folder, to be shown.
    pub(crate) fn name(&self) -> Arc<str> {
        self.0.file_name().unwrap_or_default().to_string_lossy().into()
    }

    /// Where SQLite keeps the log.
    pub(crate) fn log(&self) -> PathBuf {
        self.with("-wal")
    }

    /// The file beside it whose name has this at the end.
    pub(crate) fn with(&self, end: &str) -> PathBuf {
        let mut path = self.0.as_os_str().to_owned();
        path.push(end);
        path.into()
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
