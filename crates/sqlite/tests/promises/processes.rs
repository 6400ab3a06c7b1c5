//! Several processes may use one file at the same time: none loses an event, none is kept from writing.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _, stdin, stdout},
    path::Path,
    process::{Child, Stdio},
};

use aws_event_sourcing_core::{AppendError, Appended, EventStore as _, ResourceKey};
use aws_event_sourcing_sqlite::SqliteStore;

use crate::support::{again, assert_sound, commit, explain, folder, open, read, role, scan};

/// What each process commits to the resource that all share, and to one of its own meanwhile.
const COMMITS: u64 = 300;

#[tokio::test]
async fn processes_that_write_at_the_same_time_lose_and_double_nothing() {
    let test = "processes::processes_that_write_at_the_same_time_lose_and_double_nothing";
    if let Some(role) = role() {
        let (name, file) = role.split_once(' ').expect("a name and a file");
        let store = open(Path::new(file));
        wait_for_the_signal();
        let (shared, own) = (account("shared"), account(name));
        let (shared, own) = tokio::join!(add(&store, &shared), add(&store, &own));
        assert_eq!((shared.len() as u64, own.len() as u64), (COMMITS, COMMITS));
        store.close().await.expect("closed");
        for id in shared {
            writeln!(stdout(), "shared {id}").expect("a pipe");
        }
        return;
    }

    let (folder, file) = folder();
    let names = ["one", "another"];
    let processes = names.map(|name| start(test, &format!("{name} {}", file.display())));
    let mut written = Vec::new();
    for output in processes.map(signal).map(outputs) {
        written.extend(output.iter().filter_map(|line| line.strip_prefix("shared ")).map(str::to_owned));
    }

    let store = open(&file);
    let history = read(&store, &account("shared")).await;
    let stored: BTreeSet<_> = history.iter().map(|commit| commit.id.as_str().to_owned()).collect();
    assert_eq!(history.len() as u64, 2 * COMMITS, "each commit is stored once");
    assert_eq!(stored, BTreeSet::from_iter(written), "what was acknowledged is what is stored");
    for name in names {
        assert_eq!(read(&store, &account(name)).await.len() as u64, COMMITS);
    }
    store.close().await.expect("closed");
    assert_sound(&file);
    assert_eq!(crate::support::files(folder.path()).len(), 1, "the last one to close the file leaves it alone");
}

#[tokio::test]
async fn processes_may_make_the_file_at_the_same_moment() {
    let test = "processes::processes_may_make_the_file_at_the_same_moment";
    if let Some(role) = role() {
        let (name, file) = role.split_once(' ').expect("a name and a file");
        wait_for_the_signal();
        let store = open(Path::new(file));
        store.append(&commit(&account(name), 1, 1)).await.expect("appended");
        return;
    }
    for _ in 0..5 {
        let (_folder, file) = folder();
        let processes: Vec<_> = (0..6).map(|name| start(test, &format!("{name} {}", file.display()))).collect();
        let processes: Vec<_> = processes.into_iter().map(signal).collect();
        processes.into_iter().for_each(|process| drop(outputs(process)));
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
            Ok(Appended::Before) | Err(AppendError::Conflict(None)) => panic!("a commit that nobody has made"),
            Err(AppendError::Store(error)) => panic!("{}", explain(&error)),
        } + 1;
    }
    added
}

fn start(test: &str, role: &str) -> Child {
    let mut process =
        again(test, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
    let stdout = process.stdout.as_mut().expect("a pipe");
    process
}

fn wait_for_the_signal() {
    writeln!(stdout(), "\nready").expect("a pipe");
    stdin().lock().read_line(&mut String::new()).expect("a signal");
}
