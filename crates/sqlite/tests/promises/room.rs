//! A store whose file cannot grow refuses appends, loses nothing, and goes on when there is room again.
//!
//! No test can fill up a disk that is not its own. What is near to it, and needs no privileges, is the limit that a
//! process has for the size of its files: the system then refuses to write in the midst of a commit. SQLite tells that
//! from a full disk; that one is in the tests of the [writer], with a database that has reached its number of pages.
//!
//! [writer]: ../../src/writer.rs
#![cfg(unix)]

use std::{path::Path, process::Command};

use aws_event_sourcing_core::{AppendError, Appended, Commit, EventStore as _, StoreErrorKind};
use aws_event_sourcing_sqlite::SqliteStore;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    peer::{Peer, part, program, say},
    support::{assert_sound, commit, folder, open, read, resource, store},
};

#[tokio::test]
async fn a_store_without_room_goes_on_when_there_is_some() {
    if let Some(file) = part() {
        run_out_of_room(Path::new(&file)).await;
        return;
    }
    let (_folder, file) = folder();
    let program =
        program("room::a_store_without_room_goes_on_when_there_is_some", file.to_str().expect("text"));
    // The limit comes with a signal that ends the process, unless it is ignored from its beginning.
    let mut unharmed = Command::new("sh");
    unharmed
        .args(["-c", r#"trap "" XFSZ; exec "$@""#, "sh"])
        .arg(program.get_program())
        .args(program.get_args());
    unharmed.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = Peer::start(unharmed).finish();
    assert!(said.iter().any(|line| line == "out of room, and back"), "{}", said.join("\n"));
    assert_sound(&file);
}

async fn run_out_of_room(file: &Path) {
    let (opened, account) = (open(file), resource());
    let mut number = 1;
    while number <= 200 {
        store(&opened, &commit(&account, number, 1)).await;
        number += 1;
    }
    let history = read(&opened, &account).await;

    let unlimited = getrlimit(Resource::Fsize);
    // Less than the file and its log have already: neither of them can grow.
    setrlimit(Resource::Fsize, Rlimit { current: Some(16 << 10), ..unlimited }).expect("a limit");
    let refused: Vec<_> =
        (0..20).map(|_| commit(&resource(), 1, 2)).chain([commit(&account, number, 1)]).collect();
    for commit in &refused {
        be_refused(&opened, commit).await;
    }
    assert_eq!(read(&opened, &account).await, history, "what is stored can be read");
    assert_eq!(read(&opened, &refused[0].resource).await, []);

    setrlimit(Resource::Fsize, unlimited).expect("no limit");
    for commit in &refused {
        assert_eq!(opened.append(commit).await.expect("there is room"), Appended::Now);
    }
    assert_eq!(read(&opened, &account).await.len(), history.len() + 1);
    opened.close().await.expect("closed");
    say("out of room, and back");
}

async fn be_refused(store: &SqliteStore, commit: &Commit) {
    match store.append(commit).await {
        Err(AppendError::Store(error)) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
        outcome => panic!("{outcome:?}"),
    }
}
