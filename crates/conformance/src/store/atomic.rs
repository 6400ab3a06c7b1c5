//! Law 2, **all or nothing**: the events of a commit are stored together or not at all. The same under cancellation
//! is in [`cancelled`](super::cancelled).

use crate::{
    Subject,
    observe::{assert_history, grow, lose, plan, store},
    sample,
    store::growth::read_while_it_grows,
};

/// A commit of several events is one commit when it is read, with its events in order.
pub async fn a_commit_of_many_events_comes_back_as_one(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("many").await);
    let written = grow(&handle, &resource, [2, 1, 3, 100, 10, 1]).await;
    assert_history(&handle, &resource, &written).await;
}

/// A commit may have as many events as there is room for.
pub async fn a_commit_may_have_thousands_of_events(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("thousands").await);
    let mut written = plan(&resource, [1, 5_000, 1]);
    for event in &mut written[1].events {
        event.data = None;
    }
    for commit in &written {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
}

/// A commit that lost leaves none of its events behind, not even those whose numbers were free.
pub async fn a_refused_commit_leaves_nothing_behind(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("refused").await);
    let mut written = grow(&handle, &resource, [1, 1]).await;
    for events in [1, 2, 10] {
        lose(&handle, &sample::commit(&resource, 2, events), &written[1]).await;
        assert_history(&handle, &resource, &written).await;
    }
    let next = sample::commit(&resource, 3, 2);
    store(&handle, &next).await;
    written.push(next);
    assert_history(&handle, &resource, &written).await;
}

/// Whoever reads while a commit of several events is written sees all of them or none.
pub async fn readers_see_whole_commits_or_nothing(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("whole").await);
    read_while_it_grows(&handle, &resource, (0..150).map(|index| index % 7 + 2)).await;
}
