//! What was acknowledged survives a process that is killed, at any moment and any number of times.

use std::{collections::BTreeMap, path::Path};

use aws_event_sourcing_core::{Commit, EventStore as _, ResourceKey};
use futures_util::future::join_all;

use crate::{
    peer::{Peer, part, program, say},
    support::{assert_sound, commit, folder, open, read, resource},
};

/// Acknowledgements after which a process is killed: soon after it has opened the file, and when it has written much.
const KILLED_AFTER: [usize; 8] = [1, 700, 3, 1500, 50, 4000, 1, 2500];

#[tokio::test]
async fn acknowledged_commits_survive_a_killed_process() {
    if let Some(file) = part() {
        write_until_killed(Path::new(&file)).await;
    }
    let (_folder, file) = folder();
    let mut acknowledged = BTreeMap::<String, u64>::new();
    for killed_after in KILLED_AFTER {
        let test = "crash::acknowledged_commits_survive_a_killed_process";
        let mut writer = Peer::start(program(test, file.to_str().expect("text")));
        let mut seen = 0;
        while let Some(line) = writer.next() {
            let Some((id, version)) =
                line.strip_prefix("acknowledged ").and_then(|line| line.split_once(' '))
            else {
                continue;
            };
            acknowledged.insert(id.to_owned(), version.parse().expect("a number"));
            seen += 1;
            if seen == killed_after {
                writer.kill();
            }
        }
        assert!(seen >= killed_after, "the writer has ended by itself");

        let reopened = open(&file);
        for (id, version) in &acknowledged {
            let history = read(&reopened, &ResourceKey::new("account", id.as_str())).await;
            let stored = history.last().map_or(0, Commit::last_number);
            assert!(stored >= *version, "{id} has version {stored}, and {version} was acknowledged");
            let numbers = history.iter().flat_map(|commit| commit.numbered().map(|(number, _)| number));
            assert!(numbers.eq(1..=stored), "{id} has a gap");
        }
        reopened.close().await.expect("closed");
        assert_sound(&file);
    }
}

/// Creates resources and adds to them, many at a time, and says what was acknowledged.
async fn write_until_killed(file: &Path) -> ! {
    let store = open(file);
    let writers = (0..32).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                let resource = resource();
                let mut number = 1;
                for events in [1, 2, 1, 3, 1 + writer % 5] {
                    let commit = commit(&resource, number, events);
                    store.append(&commit).await.expect("appended");
                    number += events;
                    say(&format!("acknowledged {} {}", resource.id, number - 1));
                }
            }
        })
    });
    join_all(writers).await;
    unreachable!("writers do not end")
}
