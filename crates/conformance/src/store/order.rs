//! Law 1, **order**: a resource's commits are read in the order of their numbers.

use aws_event_sourcing_core::Commit;

use crate::{
    Subject,
    compare::assert_same,
    observe::{assert_history, grow, plan, read, store},
    sample,
};

/// A history comes back as it was written: in order, each with its number, without a gap.
pub async fn commits_come_back_in_order(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("order").await);
    // The numbers go from one digit to three: as text they would be in another order.
    let written = grow(&handle, &resource, (0..90).map(|index| index % 3 + 1)).await;
    let read = read(&handle, &resource, 0).await;
    assert_same("the history", &written, &read);
    let mut numbers = read.iter().flat_map(Commit::numbered).map(|(number, _)| number);
    assert!(numbers.by_ref().zip(1..).all(|(number, expected)| number == expected), "the numbers have a gap");
}

/// A clock that goes backwards does not change the order.
pub async fn order_is_that_of_numbers_and_not_of_times(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("backwards").await);
    let mut written = plan(&resource, [1, 2, 1, 1, 3, 1]);
    for (index, commit) in (0..).zip(&mut written) {
        commit.at = sample::time(1_000 - index % 4 * 100);
    }
    for commit in &written {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
}

/// A read behind a version gives what follows it: everything behind 0, nothing behind the last or beyond.
pub async fn a_read_begins_behind_a_version(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("behind").await);
    let written = grow(&handle, &resource, [1, 3, 1, 2, 11, 1]).await;
    for behind in 0..=written.len() {
        let version = behind.checked_sub(1).map_or(0, |last| written[last].last_number());
        let read = read(&handle, &resource, version).await;
        assert_same(&format!("what is read behind version {version}"), &written[behind..], &read);
    }
    for beyond in [20, 1_000, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        let read = read(&handle, &resource, beyond).await;
        assert_same(&format!("what is read behind version {beyond}"), &[], &read);
    }
}

/// A resource that nobody has written to has no commits, and that is no error.
pub async fn a_resource_that_is_not_there_has_no_commits(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("absent").await;
    let absent = sample::resource(&resource_type);
    assert_history(&handle, &absent, &[]).await;
    grow(&handle, &sample::resource(&resource_type), [1, 1]).await;
    assert_history(&handle, &absent, &[]).await;
    assert_same("what is read behind version 7", &[], &read(&handle, &absent, 7).await);
}
