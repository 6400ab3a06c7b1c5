//! Law 5, **complete**: a read and a scan give everything, however long. What a scan promises beyond that is in
//! [`scan`](super::scan).

use std::pin::Pin;

use aws_event_sourcing_core::limits::MAX_COMMIT_BYTES;
use futures_util::StreamExt as _;

use crate::{
    Subject,
    compare::{assert_prefix, assert_same},
    observe::{all_of, assert_history, grow, page, read, store},
    sample,
    store::growth::read_while_it_grows,
};

/// More than ten thousand commits are read to the last one.
pub async fn a_long_history_is_read_whole(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("long").await);
    let written = grow(&handle, &resource, [1; 10_050]).await;
    assert_history(&handle, &resource, &written).await;
    for behind in [9_999, 10_000, 10_049] {
        let read = read(&handle, &resource, behind as u64).await;
        assert_same(&format!("what is read behind version {behind}"), &written[behind..], &read);
    }
}

/// Several megabytes in few commits, as large as they may be, are read to the last one.
pub async fn a_heavy_history_is_read_whole(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("heavy").await);
    let mut written = Vec::new();
    for index in 0..12 {
        let number = 1 + 2 * index;
        written.push(sample::commit_of_size(&resource, number, 2, MAX_COMMIT_BYTES - 1_000 * index as usize));
        store(&handle, &written[written.len() - 1]).await;
    }
    assert_history(&handle, &resource, &written).await;
    let read = read(&handle, &resource, 4).await;
    assert_same("what is read behind version 4", &written[2..], &read);
}

/// A history is read without a gap while it grows, as far as it had been acknowledged or further.
pub async fn a_read_during_appends_has_no_gaps(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("growing").await);
    read_while_it_grows(&handle, &resource, (0..400).map(|index| index % 2 + 1)).await;
}

/// A stream that somebody holds and does not read holds up nobody: no append, no list and no other stream.
pub async fn an_unread_stream_holds_nobody_up(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("unread").await;
    let resource = sample::resource(&resource_type);
    let mut written = grow(&handle, &resource, [1; 600]).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        for stream in [handle.read(&resource, 0), handle.scan(&resource_type).swap_remove(0)] {
            let mut stream = stream.peekable();
            Pin::new(&mut stream).peek().await;
            held.push(stream);
            let next = sample::commit(&resource, written.len() as u64 + 1, 1);
            store(&handle, &next).await;
            written.push(next);
        }
    }
    assert_history(&handle, &resource, &written).await;
    assert_eq!(
        page(&handle, &resource_type, 10, None).await.ids,
        [resource.id],
        "the list beside unread streams"
    );
    for read in held.into_iter().step_by(2) {
        assert_prefix("a read that was held up", &written, &all_of(read.boxed(), "read").await, 600);
    }
}
