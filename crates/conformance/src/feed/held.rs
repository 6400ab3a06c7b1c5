//! Law 3, **one at a time**: while a process holds the part that delivers a resource, no other one gets that resource. When
//! it is gone, others do.
//!
//! Every process of these laws looks, at each delivery, whether another one has that resource.

use std::pin::pin;

use futures_util::future::{Either, join, join_all, select, select_all};
use tokio::task::yield_now;

use super::process::{Follower, Process, Saves};
use crate::{
    FeedSubject,
    observe::{plan, store, store_all},
    sample,
};

/// While one process has a resource, another one that would have it gets nothing of it, whatever happens. When the first is
/// gone without a word, the other one gets what was not saved.
pub async fn a_resource_is_delivered_to_one_process_at_a_time(subject: &FeedSubject) {
    let resource_type = subject.resource_type("one").await;
    let follower = Follower::new(subject, &resource_type);
    let first = follower.process().await;
    let second = follower.process().await;
    hand_over(subject, &follower, first, second, Going::Dropped).await;
}

/// The same when both have one handle, as two tasks of one process.
pub async fn a_part_goes_to_another_process_of_the_same_handle(subject: &FeedSubject) {
    let resource_type = subject.resource_type("one-handle").await;
    let follower = Follower::new(subject, &resource_type);
    let first = follower.process().await;
    let second = follower.process_of(first.source.clone()).await;
    hand_over(subject, &follower, first, second, Going::Dropped).await;
}

/// The same when the first one gives its parts back.
pub async fn a_released_part_goes_to_another_process(subject: &FeedSubject) {
    let resource_type = subject.resource_type("released").await;
    let follower = Follower::new(subject, &resource_type);
    let first = follower.process().await;
    let second = follower.process().await;
    hand_over(subject, &follower, first, second, Going::Released).await;
}

/// A part is its process's all the time in which nobody takes it away: however much happens, and however many others wait
/// for it.
pub async fn a_part_is_ours_while_it_is_held(subject: &FeedSubject) {
    let resource_type = subject.resource_type("ours").await;
    let follower = Follower::new(subject, &resource_type);
    let mut process = follower.process().await;
    let mut history = plan(&sample::resource(&resource_type), [1; 40]);
    let live = history.split_off(10);
    store_all(process.events(), &[history.clone()]).await;
    process.until_seen(&history).await;
    let mut waiting = follower.process().await;
    let holding = async {
        for commit in &live {
            store(process.events(), commit).await;
            process.until_seen(std::slice::from_ref(commit)).await;
            for part in &process.in_hand {
                assert!(part.hold.is_ours(), "a part that nobody took away is not its process's any more");
            }
        }
    };
    match select(pin!(holding), pin!(waiting.on_and_on())).await {
        Either::Left(((), _)) => {}
        Either::Right(((), _)) => unreachable!("it has no end"),
    }
}

/// Whoever waits for a part, and goes away before it gets one, leaves nothing behind: the next one gets it.
pub async fn whoever_waits_for_a_part_may_go_away(subject: &FeedSubject) {
    let resource_type = subject.resource_type("waiting").await;
    let follower = Follower::new(subject, &resource_type);
    let mut first = follower.process().await.saving(Saves::Ends);
    let mut history = plan(&sample::resource(&resource_type), [1; 24]);
    let live = history.split_off(4);
    store_all(first.events(), &[history.clone()]).await;
    first.until_seen(&history).await;
    for commits in live.chunks(5) {
        let mut waiting = [follower.process().await, follower.process_of(first.source.clone()).await];
        let happening = async {
            store_all(first.events(), &[commits.to_vec()]).await;
            first.until_seen(commits).await;
        };
        let waiting = join_all(waiting.iter_mut().map(Process::on_and_on));
        match select(pin!(happening), pin!(waiting)).await {
            Either::Left(((), _)) => {}
            Either::Right(_) => unreachable!("they have no end"),
        }
    }
    drop(first);
    let written = [history, live].concat();
    follower.process().await.until_seen(&follower.unsaved(&written)).await;
}

/// Processes that give their parts back and take them again, while commits are made, get everything between them.
pub async fn processes_that_take_turns_miss_nothing(subject: &FeedSubject) {
    let resource_type = subject.resource_type("turns").await;
    let source = subject.open().await;
    let follower = Follower::new(subject, &resource_type);
    let histories: Vec<_> = (0..10)
        .map(|_| plan(&sample::resource(&resource_type), (0..30).map(|index| index % 2 + 1)))
        .collect();
    let written = histories.concat();
    let writing = async {
        for index in 0..30 {
            for history in &histories {
                store(&source.events, &history[index]).await;
            }
            // Somebody gets these while others are to come.
            yield_now().await;
        }
    };
    let mut processes =
        [follower.process().await, follower.process().await, follower.process_of(source.clone()).await];
    let turns = select_all(
        processes
            .iter_mut()
            .enumerate()
            .map(|(index, process)| Box::pin(take_turns(process, &follower, &written, index))),
    );
    join(writing, turns).await;
}

/// Reads on until all has been delivered to somebody, and gives others a chance now and then.
async fn take_turns(
    process: &mut Process,
    follower: &Follower,
    written: &[aws_event_sourcing_core::Commit],
    index: usize,
) {
    let mut turn = 1;
    while !follower.has_seen(written) {
        process.step().await;
        if process.seen.len() >= 25 * turn {
            turn = process.seen.len() / 25 + 1;
            if (turn + index).is_multiple_of(4) {
                process.let_go();
            } else {
                process.release().await;
            }
            // Others ask for it before this one does again.
            yield_now().await;
        }
    }
}

/// How a process goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Going {
    Dropped,
    Released,
}

/// Has the first process follow while the second one waits, and then go.
async fn hand_over(
    subject: &FeedSubject,
    follower: &Follower,
    first: Process,
    mut second: Process,
    going: Going,
) {
    let source = subject.open().await;
    let resource_type = &follower.key.resource_type;
    let mut histories: Vec<_> = (0..6).map(|_| plan(&sample::resource(resource_type), [1; 12])).collect();
    let live: Vec<_> = histories.iter_mut().map(|history| history.split_off(6)).collect();
    store_all(&source.events, &histories).await;
    let mut first = first.saving(Saves::Ends);
    first.until_seen(&histories.concat()).await;
    let (has, happened) = (histories.concat(), live.concat());
    let having = async {
        // The other one is there all the time.
        store_all(&source.events, &live).await;
        first.until_seen(&happened).await;
        if going == Going::Released {
            first.release().await;
        }
        drop(first);
    };
    join(having, second.until_seen(&happened)).await;
    second.until_seen(&follower.unsaved(&[has, happened].concat())).await;
}
