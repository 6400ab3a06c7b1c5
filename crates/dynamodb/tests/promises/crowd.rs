//! Hundreds of writers at once.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, EncodedEvent, EventStore as _, Repository, ResourceKey, Retry, Timestamp,
};
use futures_util::{TryStreamExt as _, future::join_all};

use crate::support::{Notebook, NotebookEvent::NotebookOpened, dynamodb, new_table, note};

const WRITERS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn of_three_hundred_appends_of_one_number_one_is_stored() {
    let table = new_table().await;
    let store = dynamodb().await.store().table("notebook", table).build();
    let resource = ResourceKey::new("notebook", "n-1");
    for number in 1..=5 {
        let commits: Vec<_> = (0..WRITERS)
            .map(|writer| Commit {
                resource: resource.clone(),
                number,
                events: vec![EncodedEvent { event_type: "NotebookOpened".into(), data: None }],
                at: Timestamp::from_unix_millis(number),
                id: format!("{number}-{writer}").into(),
                follows: None,
                trace: None,
                cause: None,
                meta: None,
            })
            .collect();
        let outcomes = join_all(commits.iter().map(|commit| store.append(commit))).await;
        let stored: Vec<Commit> = store.read(&resource, number - 1).try_collect().await.expect("read");
        let [stored] = stored.as_slice() else { panic!("{} commits of one number", stored.len()) };
        for (commit, outcome) in commits.iter().zip(outcomes) {
            match outcome {
                Ok(Appended::Now) => assert_eq!(commit, stored),
                Err(AppendError::Conflict(Some(winner))) => assert_eq!(*winner, *stored),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_commits_to_one_resource_all_happen() {
    let table = new_table().await;
    let store = dynamodb().await.store().table("notebook", table).build();
    // As many processes as Lambda may well have at once; a commit that is overtaken again and again goes on.
    let retry = Retry { attempts: 1_000, ..Retry::default() };
    let processes: Vec<_> =
        (0..10).map(|_| Repository::<Notebook>::builder(store.clone()).retry(retry).build()).collect();
    let id = processes[0].create(NotebookOpened).await.expect("created").id().clone();
    let writers = (0..WRITERS).map(|writer| {
        let (notebooks, id) = (processes[writer % processes.len()].clone(), id.clone());
        tokio::spawn(async move { notebooks.commit(&id, note(10)).await.expect("committed").version() })
    });
    let versions: BTreeSet<_> =
        join_all(writers).await.into_iter().map(|version| version.expect("no panic")).collect();
    assert_eq!(versions.len(), WRITERS, "each has a version of its own");
    assert_eq!(versions.last(), Some(&(WRITERS as u64 + 1)), "without a gap");
    assert_eq!(processes[0].find_one(&id).await.expect("found").notes, WRITERS as u64);
}
