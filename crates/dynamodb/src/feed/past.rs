//! The past: a table, from end to end.

use std::sync::Arc;

use aws_event_sourcing_core::{
    Commit, CommitStream, StoreError,
    subscription::{Batch, Delivery},
};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};

use super::lease::Lease;

/// The most commits that are delivered together.
const TOGETHER: usize = 256;

/// The commits of a scan, its streams side by side: each resource is in one of them. Ends early when the lease is over.
pub(super) fn batches(
    scan: Vec<CommitStream>,
    lease: Arc<Lease>,
) -> BoxStream<'static, Result<Batch, StoreError>> {
    let over = async move { lease.is_over().await };
    let chunks = stream::select_all(scan).take_until(Box::pin(over)).ready_chunks(TOGETHER);
    let batches = chunks.scan(0, |position, chunk| {
        let mut commits: Vec<Commit> = Vec::with_capacity(chunk.len());
        let mut failed = None;
        for commit in chunk {
            match commit {
                Ok(commit) => commits.push(commit),
                Err(error) => {
                    failed = Some(Err(error));
                    break;
                }
            }
        }
        let batch = (!commits.is_empty()).then(|| {
            let deliveries = commits.into_iter().map(|commit| {
                *position += 1;
                Delivery { commit, position: *position }
            });
            let deliveries = deliveries.collect();
            Ok(Batch { deliveries, up_to: *position })
        });
        let batches: Vec<_> = batch.into_iter().chain(failed).collect();
        std::future::ready(Some(stream::iter(batches)))
    });
    let mut is_over = false;
    // Nothing comes behind an error: what is missing would be passed over.
    let batches = batches.flatten().take_while(move |batch| {
        let goes_on = !is_over;
        is_over = batch.is_err();
        std::future::ready(goes_on)
    });
    batches.boxed()
}
