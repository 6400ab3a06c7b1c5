//! [`FilePath`]: where the file is, for whoever opens it or speaks of it.

use std::{
    fmt,
    path::{MAIN_SEPARATOR, Path, absolute},
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

    /// The file as a [URI](https://www.sqlite.org/uri.html) under which SQLite reads it and touches nothing: it takes
    /// no lock, sees no log and makes no file beside it.
    pub(crate) fn as_immutable_uri(&self) -> String {
        let mut uri = String::from("file:");
        for &byte in self.0.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                    uri.push(byte.into());
                }
                b'\\' if MAIN_SEPARATOR == '\\' => uri.push('/'),
                _ => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        uri + "?immutable=1"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_path_means_anything_in_its_uri() {
        let path = FilePath::new(Path::new("/a b/100%?immutable=0#ü.db")).unwrap();
        assert_eq!(path.as_immutable_uri(), "file:/a%20b/100%25%3Fimmutable%3D0%23%C3%BC.db?immutable=1");
    }
}
