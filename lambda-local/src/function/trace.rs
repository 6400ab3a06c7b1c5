//! X-Ray's headers: Lambda begins a trace for each call that is not part of one.

use std::time::{SystemTime, UNIX_EPOCH};

/// The id of a new trace: `1-5759e988-bd862e3fe1be46a994272793`.
pub(crate) fn root() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("1-{seconds:08x}-{:024x}", fastrand::u128(..) >> 32)
}

/// The header of a new trace.
pub(super) fn new() -> String {
    within(&root())
}

/// The header for a call within a trace.
pub(crate) fn within(root: &str) -> String {
    format!("Root={root};Parent={:016x};Sampled=1", fastrand::u64(..))
}
