//! Law 2, **one winner**: of several swaps that saw the same revision, one is made, and the others get what is there.

use std::{slice::from_ref, sync::Arc};

use aws_event_sourcing_core::{ResourceId, subscription::Swap};
use futures_util::future::join;
use tokio::sync::Barrier;

use super::{
    ledger::{Ledger, new_id},
    made_up::{handled, parked, revised, skipped},
};
use crate::{ProgressSubject, observe::side_by_side};

const RIVALS: usize = 16;
const ROUNDS: usize = 20;

/// One of many swaps that saw the same revision is made, round after round. The others get the record that it made, and
/// nothing of theirs is there.
pub async fn one_winner_of_all_swaps_of_a_revision(subject: &ProgressSubject) {
    race_on(&[subject.ledger("race").await]).await;
}

/// The same when they have different handles, as in different processes.
pub async fn one_winner_of_all_swaps_of_a_revision_across_handles(subject: &ProgressSubject) {
    race_on(&subject.ledgers("race-across").await).await;
}

/// The same for the first swap of a record: it is made once.
pub async fn one_winner_of_all_swaps_that_make_a_record(subject: &ProgressSubject) {
    let ledger = subject.ledger("race-to-make").await;
    for _ in 0..ROUNDS {
        race(from_ref(&ledger), &new_id(), 0).await;
    }
}

/// A swap that saw another revision than that of the record, an older one or one that there is not yet, gets what is
/// there. Nothing changes, and what it would have brought along is not noted.
pub async fn a_late_swap_changes_nothing(subject: &ProgressSubject) {
    let ledger = subject.ledger("late").await;
    let id = new_id();
    let mut revisions = vec![0];
    for next in [parked(5), handled(9), parked(7), parked(6)] {
        let seen = revisions[revisions.len() - 1];
        let found = ledger.swap(&id, seen, &next).await;
        for other in revisions.iter().copied().chain([found.revision + 1, found.revision + 1_000]) {
            let late = ledger.be_late(&id, other, &handled(99)).await;
            assert_eq!(late, found, "what a swap gets that saw revision {other}");
            assert_eq!(ledger.load_one(&id).await, found, "the record after a swap that was late");
        }
        revisions.push(found.revision);
    }
    assert_eq!(ledger.skipped(&id).await, [], "what was brought along by swaps that were late");
}

/// A swap and an advance of the same record at the same time: either the advance came first, and the swap gets what it
/// made; or the swap came first, and the advance left alone what it parked.
pub async fn swaps_and_advances_do_not_undo_each_other(subject: &ProgressSubject) {
    let [ledger, other, _] = subject.ledgers("swap-and-advance").await;
    for round in 0..ROUNDS {
        let id = new_id();
        ledger.advance_one(&id, 3).await;
        let seen = ledger.load_one(&id).await;
        let next = parked(7);
        let swap = ledger.try_swap(&id, seen.revision, &next, None);
        let advance = other.advance_one(&id, 5);
        // Each of them is the first to begin in its turn.
        let swap = if round % 2 == 0 { join(swap, advance).await.0 } else { join(advance, swap).await.1 };
        let found = ledger.load_one(&id).await;
        match swap {
            Swap::Done(revision) => assert_eq!(found, revised(&next, revision), "what was parked"),
            Swap::Changed(changed) => {
                assert_eq!(changed, revised(&handled(5), changed.revision), "what was advanced");
                assert_eq!(found, changed, "the record");
            }
        }
    }
}

async fn race_on(ledgers: &[Ledger]) {
    let id = new_id();
    let mut seen = 0;
    for _ in 0..ROUNDS {
        race(ledgers, &id, seen).await;
        // An advance in between is a change like any other; of what is parked it is none.
        ledgers[0].advance_one(&id, 1_000_000).await;
        seen = ledgers[0].load_one(&id).await.revision;
    }
}

/// Has many swap at once.
async fn race(ledgers: &[Ledger], id: &ResourceId, seen: u64) {
    let start = Arc::new(Barrier::new(RIVALS));
    let before = ledgers[0].skipped(id).await.len();
    let outcomes = side_by_side((0..RIVALS).map(|rival| {
        let (ledger, id, start) = (ledgers[rival % ledgers.len()].clone(), id.clone(), start.clone());
        async move {
            let next = if rival % 2 == 0 { parked(rival as u64) } else { handled(rival as u64) };
            let skip = skipped(seen + rival as u64);
            start.wait().await;
            let swap = ledger.try_swap(&id, seen, &next, Some(&skip)).await;
            (next, skip, swap)
        }
    }))
    .await;
    let (mut winners, mut found) = (Vec::new(), Vec::new());
    for (next, skip, swap) in outcomes {
        match swap {
            Swap::Done(revision) => winners.push((revised(&next, revision), skip)),
            Swap::Changed(progress) => found.push(progress),
        }
    }
    assert_eq!(winners.len(), 1, "of {RIVALS} swaps of revision {seen}, one should be made");
    let (made, skip) = winners.swap_remove(0);
    assert!(made.revision > seen, "the revision after a swap of revision {seen} is {}", made.revision);
    assert_eq!(found, vec![made.clone(); RIVALS - 1], "what those get whose swaps were not made");
    for ledger in ledgers {
        assert_eq!(ledger.load_one(id).await, made, "the record after a race");
        let all = ledger.skipped(id).await;
        assert!(all.contains(&skip), "what the winner of a race brought along is not noted");
        assert!(all.len() <= before + 1, "what the losers of a race brought along is noted: {all:?}");
    }
}
