//! The past: a table, its segments side by side, each from a place on.

use std::{collections::BTreeMap, sync::Arc};

use aws_event_sourcing_core::{Commit, CommitStream, StoreError, subscription::Batch};
use futures_core::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, future::ready, stream};

use super::{lease::Lease, reached::Place};

/// The most commits that are delivered together.
const TOGETHER: usize = 256;

/// The commits of segments, each of which is read from its place on: each resource is in one of them. Ends early when the
/// lease is over.
pub(super) fn batches(
    segments: Vec<(usize, CommitStream)>,
    lease: Arc<Lease>,
) -> BoxStream<'static, Result<Batch, StoreError>> {
    let segments = segments.into_iter().map(|(segment, commits)| {
        let commits = commits.map(move |commit| (segment, Some(commit)));
        commits.chain(ready((segment, None)).into_stream()).boxed()
    });
    let over = {
        let lease = lease.clone();
        async move { lease.is_over().await }
    };
    let chunks = stream::select_all(segments).take_until(Box::pin(over)).ready_chunks(TOGETHER);
    let batches = chunks.scan(0, move |position, chunk| {
        let mut batch = Batch::default();
        let (mut places, mut failed) = (BTreeMap::new(), None);
        for (segment, read) in chunk {
            let Some(read) = read else {
                places.insert(segment, Place::End);
                continue;
            };
            // What cannot be read is no place to go on from: the next one that can is.
            if let Ok(Commit { resource, number, .. }) = &read {
                places.insert(segment, Place::Behind(resource.id.clone(), *number));
            }
            *position += 1;
            if let Err(error) = batch.add(*position, read) {
                failed = Some(Err(error));
                break;
            }
        }
        for (segment, place) in places {
            lease.reached().note_place(*position, segment, place);
        }
        batch.up_to = *position;
        let is_any = !batch.deliveries.is_empty() || !batch.unread.is_empty();
        let batch = is_any.then_some(Ok(batch));
        let batches: Vec<_> = batch.into_iter().chain(failed).collect();
        ready(Some(stream::iter(batches)))
    });
    let mut is_over = false;
    // Nothing comes behind an error: what is missing would be passed over.
    let batches = batches.flatten().take_while(move |batch| {
        let goes_on = !is_over;
        is_over = batch.is_err();
        ready(goes_on)
    });
    batches.boxed()
}
