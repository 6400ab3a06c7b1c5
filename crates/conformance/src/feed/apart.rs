//! **Apart**: a commit that cannot be read holds up no other resource.

use std::sync::Arc;

use aws_event_sourcing_core::Commit;

use super::process::{Follower, Of, of};
use crate::{
    FeedSubject,
    observe::store,
    sample,
    subject::{Spoiled, Store},
};

/// Resources, of which every third has a commit that cannot be read.
const RESOURCES: usize = 12;

/// It is told of at its place, whether it was there before a process followed or came later, and all other commits are
/// delivered.
pub async fn what_cannot_be_read_is_told_of_and_holds_up_nobody(subject: &FeedSubject) {
    let resource_type = subject.resource_type("apart").await;
    let follower = Follower::new(subject, &resource_type);
    let mut process = follower.process().await;
    let Some((past, unreadable)) = write(subject, process.events().clone(), &resource_type).await else {
        return;
    };
    process.expect_unread(&unreadable);
    process.until_seen(&past).await;
    process.until_told_of(&unreadable).await;

    let Some((live, unreadable)) = write(subject, process.events().clone(), &resource_type).await else {
        return;
    };
    process.expect_unread(&unreadable);
    process.until_seen(&live).await;
    process.until_told_of(&unreadable).await;
}

/// Commits, and what cannot be read among them. None where nothing can be stored that cannot be read.
async fn write(
    subject: &FeedSubject,
    events: Store,
    resource_type: &Arc<str>,
) -> Option<(Vec<Commit>, Vec<Of>)> {
    let (mut commits, mut unreadable) = (Vec::new(), Vec::new());
    for index in 0..RESOURCES {
        let resource = sample::resource(resource_type);
        for number in 1..=4 {
            let commit = sample::commit(&resource, number, 1);
            if index % 3 == 1 && number == 3 {
                if subject.spoil(&resource, number).await == Spoiled::ThatCannotBe {
                    return None;
                }
                unreadable.push(of(&commit));
                continue;
            }
            store(&events, &commit).await;
            commits.push(commit);
        }
    }
    Some((commits, unreadable))
}
