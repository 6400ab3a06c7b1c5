//! How much memory a process has. Linux only.

use std::fs;

use crate::Result;

/// A figure of the system about this process's memory, in MB.
pub(crate) fn memory(figure: &str) -> Result<f64> {
    figure_in("/proc/self/status", figure)
}

/// The same about another process, by its id.
pub(crate) fn memory_of(process: u32, figure: &str) -> Result<f64> {
    figure_in(&format!("/proc/{process}/status"), figure)
}

fn figure_in(file: &str, figure: &str) -> Result<f64> {
    let status = fs::read_to_string(file)?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).ok_or("no such figure")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
