//! **Standing still**: a process that does nothing any more, and has not ended, loses its parts to others. If it goes on, it
//! hands over nothing more of them, and notes nothing.
//!
//! For feeds that processes share. A process of these laws has a thread and a runtime of its own, and stands still when that
//! thread does.

use std::{sync::mpsc, thread};

use aws_event_sourcing_core::Commit;
use futures_util::StreamExt as _;
use tokio::{
    runtime::Builder,
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::process::{Follower, InHand, PATIENCE, Saves};
use crate::{
    FeedSubject,
    observe::{plan, store, store_all},
    sample,
};

/// Its commits go to another process, from where it had saved.
pub async fn a_process_that_stands_still_is_taken_over(subject: &FeedSubject) {
    let mut scene = Scene::of(subject).await;
    let has = scene.has.take().expect("once");
    has.await.expect("the first process has failed");
    let mut second = scene.follower.process().await;
    second.until_seen(&scene.follower.unsaved(&scene.live)).await;
}

/// What it was delivered and had not noted is another one's to note.
pub async fn a_process_that_goes_on_has_lost_its_parts(subject: &FeedSubject) {
    let mut scene = Scene::of(subject).await;
    let has = scene.has.take().expect("once");
    has.await.expect("the first process has failed");
    let follower = &scene.follower;
    let mut second = follower.process().await.saving(Saves::Ends);
    second.until_seen(&follower.unsaved(&scene.live)).await;
    // There is something to be handed over when it goes on.
    store(second.events(), &scene.later).await;
    second.until_seen(std::slice::from_ref(&scene.later)).await;
    scene.go_on.send(()).expect("the first process has failed");
    scene.gone.await.expect("the first process has failed");

    // Nothing was saved but what the first one had saved in time.
    let unsaved = follower.unsaved(&[scene.live.clone(), vec![scene.later.clone()]].concat());
    assert!(unsaved.len() > scene.live.len() / 2);
    drop(second);
    follower.process().await.until_seen(&unsaved).await;
}

/// A process that has what happened, has saved some of it, and stands still.
struct Scene {
    follower: Follower,
    /// What happened while it followed.
    live: Vec<Commit>,
    /// What may happen later.
    later: Commit,
    /// Is told when it stands still.
    has: Option<oneshot::Receiver<()>>,
    /// Has it go on.
    go_on: mpsc::Sender<()>,
    /// Is told when it has gone, and has done everything right.
    gone: oneshot::Receiver<()>,
}

impl Scene {
    async fn of(subject: &FeedSubject) -> Self {
        let resource_type = subject.resource_type("still").await;
        let follower = Follower::new(subject, &resource_type);
        let mut past = plan(&sample::resource(&resource_type), [1; 13]);
        let mut live = past.split_off(4);
        let later = live.pop().expect("nine");
        let (stands_still, has) = oneshot::channel();
        let (go_on, goes_on) = mpsc::channel();
        let (goes, gone) = oneshot::channel();
        let first = First { follower: follower.clone(), past, live: live.clone() };
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            if runtime.block_on(first.follow(stands_still, &goes_on)) {
                // Nobody is there to be told when the law has failed.
                let _ = goes.send(());
            }
        });
        Self { follower, live, later, has: Some(has), go_on, gone }
    }
}

/// What stands still.
struct First {
    follower: Follower,
    past: Vec<Commit>,
    live: Vec<Commit>,
}

impl First {
    /// Whether somebody had it go on.
    async fn follow(self, stands_still: oneshot::Sender<()>, goes_on: &mpsc::Receiver<()>) -> bool {
        let Self { follower, past, live } = self;
        let mut process = follower.process().await.saving(Saves::Ends);
        store_all(process.events(), std::slice::from_ref(&past)).await;
        process.until_seen(&past).await;
        for commit in &live {
            store(process.events(), commit).await;
            process.until_seen(std::slice::from_ref(commit)).await;
        }
        let of = |commit| super::process::of(commit);
        let part =
            |part: &InHand, commit| part.delivered.iter().find(|(_, it)| *it == of(commit)).map(|it| it.0);
        let (index, position) = (0..process.in_hand.len())
            .find_map(|index| Some((index, part(&process.in_hand[index], &live[2])?)))
            .expect("it is in hand");
        process.save(index, position).await;

        let _ = stands_still.send(());
        // Blocks the only thread: nothing of this process goes on.
        if goes_on.recv().is_err() {
            return false;
        }
        let part = process.in_hand.swap_remove(index);
        let last = part.positions.last().copied().expect("positions");
        assert!(
            !part.hold.is_ours(),
            "a process that another one has taken the place of takes a part for its own"
        );
        part.hold.save(last).await.expect_err("it saves what is another process's");
        if let Some(progress) = part.hold.progress() {
            let handled = [(live[0].resource.id.clone(), live[7].number)];
            progress.advance(&handled).await.expect_err("it notes what is another process's");
        }
        let deadline = Instant::now() + PATIENCE;
        let mut batches = part.batches.expect("it has no end by itself");
        let more = timeout_at(deadline, batches.next()).await.expect("a part that is lost ends");
        assert!(!matches!(more, Some(Ok(_))), "more of a part is delivered that is another process's");
        part.hold.finish().await.expect_err("it finishes what is another process's");
        part.hold.release().await.expect("there is nothing to give back");
        true
    }
}
