//! Why a file cannot be opened. SQLite says only that it cannot: here the operating system is asked for the reason.

use std::{
    fs::{self, OpenOptions},
    io, mem,
};

use crate::path::FilePath;

/// What the operating system has against a file, if it has anything.
pub(crate) fn of_failed_open(path: &FilePath) -> Option<io::Error> {
    if fs::exists(path.as_path()).unwrap_or(false)
        && let Err(error) = opened(OpenOptions::new().read(true).write(true), path.as_path())
    {
        return Some(error);
    }
    // Beside it a log is made, and an index of the log.
    let probe = path.with("-probe");
    match opened(OpenOptions::new().write(true).create_new(true), &probe) {
        Ok(()) => fs::remove_file(&probe).err(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
        Err(error) => Some(error),
    }
}

fn opened(options: &OpenOptions, path: &std::path::Path) -> io::Result<()> {
    // To close a file would be to give up all locks that this process has on it: those of another store on the same file
    // too. It stays open, in a process that has no use for it any more.
    options.open(path).map(mem::forget)
}
