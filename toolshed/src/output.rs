//! [`said`]: what a program complained of.

use std::process::Output;

/// The last line that a program has written to standard error, or how it has ended.
#[must_use]
pub fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| output.status.to_string(), str::to_owned)
}
