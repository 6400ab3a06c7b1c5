//! [`FilePath`]: where the file is, for whoever opens it or speaks of it.

use std::{
    fmt,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use crate::error::{Doing, Error};

/// The absolute path of a store's file: it means the same after the process has changed its working directory, and
/// SQLite cannot take it for a URI. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct FilePath(Arc<Path>);

impl FilePath {
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        match absolute(path) {
            Ok(absolute) => Ok(Self(absolute.into())),
            Err(source) => Err(Error::Io { path: Self(path.into()), doing: Doing::Opening, source }),
        }
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
