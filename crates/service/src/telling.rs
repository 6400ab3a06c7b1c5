//! Waiting for what a start needs, and not in silence.

use std::{pin::pin, time::Duration};

use tokio::time::timeout;

/// After so long somebody wonders.
const SILENCE: Duration = Duration::from_secs(1);

/// Waits for something, and tells once what it is that is waited for when that takes a while.
pub(crate) async fn telling<T>(work: impl Future<Output = T>, tell: impl FnOnce()) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(SILENCE, work.as_mut()).await {
        return done;
    }
    tell();
    work.await
}
