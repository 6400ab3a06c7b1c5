//! How much memory this process has. Linux only.

use std::fs;

use crate::Result;

/// A figure of the system about this process's memory, in MB.
pub(crate) fn memory(figure: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).ok_or("no such figure")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
