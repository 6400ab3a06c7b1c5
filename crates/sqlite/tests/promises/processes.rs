//! Several processes may use one file at the same time: none loses an event, none is kept from writing.

use std::{collections::BTreeSet, path::Path};

use aws_event_sourcing_core::{AppendError, Appended, EventStore as _, ResourceKey};
use aws_event_sourcing_sqlite::SqliteStore;

use crate::{
    peer::{Peer, part, program, ready, say},
    support::{assert_sound, commit, explain, files, folder, open, read, scan},
};

/// What each process commits to the resource that all share, and to one of its own meanwhile.
const COMMITS: u64 = 300;

#[tokio::test]
async fn processes_that_write_at_the_same_time_lose_and_double_nothing() {
    let test = "processes::processes_that_write_at_the_same_time_lose_and_double_nothing";
    if let Some(part) = part() {
        let (name, file) = part.split_once(' ').expect("a name and a file");
        let store = open(Path::new(file));
        ready();
        let (shared, own) = (account("shared"), account(name));
        let (shared, own) = tokio::join!(add(&store, &shared), add(&store, &own));
        assert_eq!((shared.len() as u64, own.len() as u64), (COMMITS, COMMITS));
        store.close().await.expect("closed");
        for id in shared {
            say(&format!("shared {id}"));
        }
        return;
    }

    let (folder, file) = folder();
    let names = ["one", "another"];
    let mut peers = names.map(|name| Peer::start(program(test, &format!("{name} {}", file.display()))));
    peers.iter_mut().for_each(Peer::wait);
    peers.iter_mut().for_each(Peer::go_on);
    let said = peers.map(Peer::finish).concat();
    let acknowledged: BTreeSet<_> = said.iter().filter_map(|line| line.strip_prefix("shared ")).collect();

    let store = open(&file);
    let history = read(&store, &account("shared")).await;
    let stored: BTreeSet<_> = history.iter().map(|commit| commit.id.as_str()).collect();
    assert_eq!(history.len() as u64, 2 * COMMITS, "each commit is stored once");
    assert_eq!(stored, acknowledged, "what was acknowledged is what is stored");
    for name in names {
        assert_eq!(read(&store, &account(name)).await.len() as u64, COMMITS);
    }
    store.close().await.expect("closed");
    assert_sound(&file);
    assert_eq!(files(folder.path()).len(), 1, "the last one to close the file leaves it alone");
}

#[tokio::test]
async fn processes_may_make_the_file_at_the_same_moment() {
    let test = "processes::processes_may_make_the_file_at_the_same_moment";
    if let Some(part) = part() {
        let (name, file) = part.split_once(' ').expect("a name and a file");
        ready();
        let store = open(Path::new(file));
        store.append(&commit(&account(name), 1, 1)).await.expect("appended");
        return;
    }
    for _ in 0..5 {
        let (_folder, file) = folder();
        let mut peers: Vec<_> =
            (0..6).map(|name| Peer::start(program(test, &format!("{name} {}", file.display())))).collect();
        peers.iter_mut().for_each(Peer::wait);
        peers.iter_mut().for_each(Peer::go_on);
        for peer in peers {
            peer.finish();
        }
        let store = open(&file);
        assert_eq!(scan(&store, "account").await.len(), 6);
        store.close().await.expect("closed");
        assert_sound(&file);
    }
}

fn account(name: &str) -> ResourceKey {
    ResourceKey::new("account", name)
}

/// Adds commits to a resource that others may be adding to, and gives their ids.
async fn add(store: &SqliteStore, resource: &ResourceKey) -> Vec<String> {
    let (mut number, mut added) = (1, Vec::new());
    while (added.len() as u64) < COMMITS {
        let commit = commit(resource, number, 1 + number % 2);
        number = match store.append(&commit).await {
            Ok(Appended::Now) => {
                added.push(commit.id.to_string());
                commit.last_number()
            }
            Err(AppendError::Conflict(Some(winner))) => winner.last_number(),
            Ok(Appended::Before) | Err(AppendError::Conflict(None)) => {
                panic!("a commit that nobody has made")
            }
            Err(AppendError::Store(error)) => panic!("{}", explain(&error)),
        } + 1;
    }
    added
}
