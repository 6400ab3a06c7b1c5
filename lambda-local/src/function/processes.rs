//! Which processes run a program.

use std::{ffi::OsStr, fs, io, os::unix::ffi::OsStrExt as _, path::Path};

/// The ids of the processes whose command line begins with the path of the program.
pub(super) fn of(program: &Path) -> io::Result<Vec<u32>> {
    let runs = |id: &u32| {
        // One that has ended meanwhile has none.
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).next().is_some_and(|name| OsStr::from_bytes(name) == program)
    };
    let ids = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(ids.filter(runs).collect())
}
