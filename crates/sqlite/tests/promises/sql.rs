//! The file is plain: people can read it with any SQLite shell, and cannot change what has happened.

use aws_event_sourcing_core::{
    Aggregate, Event, EventStore as _, Recorded, ResourceKey, StoreErrorKind,
    subscription::{
        Context, Failure, Parked, Progress, ProgressStore as _, Source, Subscription, SubscriptionKey,
    },
};
use futures_util::StreamExt as _;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::support::{commit, explain, folder, open, read, resource, store};

#[tokio::test]
async fn events_are_readable_with_plain_sql() {
    let (_folder, file) = folder();
    let (opened, account, other) = (open(&file), resource(), resource());
    let commits = [commit(&account, 1, 1), commit(&other, 1, 1), commit(&account, 2, 3)];
    for commit in &commits {
        store(&opened, commit).await;
    }
    // While the store is open, and as anybody would.
    let shell = Connection::open(&file).expect("opened");
    let credit: i64 = shell
        .query_row(
            "SELECT sum(json_extract(data, '$.amount')) FROM events WHERE resource = 'account' AND id = ?1",
            [account.id.as_str()],
            |row| row.get(0),
        )
        .expect("a sum");
    assert_eq!(credit, 1 + 2 + 3 + 4);

    let mut statement = shell
        .prepare(
            r#"SELECT resource, id, number, type, data, at, "commit", trace, cause, meta ->> 'tenant', position
               FROM events ORDER BY position"#,
        )
        .expect("a statement");
    let mut rows = statement.query([]).expect("rows");
    let mut position = 0;
    for commit in &commits {
        for (number, event) in commit.numbered() {
            position += 1;
            let row = rows.next().expect("rows").expect("a row");
            let text = |column| row.get::<_, String>(column).expect("text");
            assert_eq!((text(0), text(1)), ("account".to_owned(), commit.resource.id.to_string()));
            assert_eq!(row.get(2), Ok(number as i64));
            assert_eq!(
                (text(3), text(4)),
                ("Credited".to_owned(), event.data.as_ref().expect("data").to_string())
            );
            assert_eq!((text(5), text(6)), (commit.at.to_string(), commit.id.to_string()));
            assert_eq!(
                (text(7), text(8)),
                (commit.trace.expect("a trace").to_string(), "reorders/1/2".to_owned())
            );
            assert_eq!((text(9), row.get(10)), ("a".to_owned(), Ok(position)));
        }
    }
    assert!(rows.next().expect("rows").is_none());
}

#[tokio::test]
async fn events_are_immutable_for_everybody() {
    let (_folder, file) = folder();
    let (opened, account) = (open(&file), ResourceKey::new("account", "a"));
    store(&opened, &commit(&account, 1, 2)).await;
    let before = read(&opened, &account).await;
    let shell = Connection::open(&file).expect("opened");
    let at = before[0].at;
    let columns = "first, number, resource, id, position, at, type, \"commit\"";
    // Each key by itself: the other ones are free.
    let colliding = [
        "1, 2, 'account', 'a', 9, '2026', 'Forged', 'f'".to_owned(),
        "1, '2', 'account', 'z', '9', '2026', 'Forged', 'f'".to_owned(),
        "9, 9, 'account', 'a', 2, '2026', 'Forged', 'f'".to_owned(),
        "9, 9, 'order', 'z', 1.0, '2026', 'Forged', 'f'".to_owned(),
        "9, 1, 'account', 'a', 9, '2026', 'Forged', 'f'".to_owned(),
        format!("9, 1, 'account', 'a', 9, '{at}', 'Forged', 'f'"),
    ];
    let inserts = colliding.iter().flat_map(|values| {
        [
            format!("INSERT OR REPLACE INTO events ({columns}) VALUES ({values})"),
            format!("REPLACE INTO events ({columns}) VALUES ({values})"),
            format!("REPLACE INTO events ({columns}) SELECT {values}"),
            format!("INSERT OR IGNORE INTO events ({columns}) VALUES ({values})"),
            format!(
                "INSERT INTO events ({columns}) VALUES ({values}) ON CONFLICT DO UPDATE SET type = 'Forged'"
            ),
            format!(
                "REPLACE INTO events ({columns}) VALUES (8, 8, 'b', 'b', 8, '2026', 'New', 'n'), ({values})"
            ),
        ]
    });
    let others = [
        "UPDATE events SET data = NULL",
        "UPDATE OR REPLACE events SET number = 2 WHERE number = 1",
        "UPDATE OR IGNORE events SET position = 9 WHERE number = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE number = 2",
    ];
    for sql in inserts.chain(others.map(str::to_owned)) {
        for recursive in ["OFF", "ON"] {
            shell.pragma_update(None, "recursive_triggers", recursive).expect("set");
            let error = shell.execute_batch(&format!("BEGIN; {sql}")).expect_err(&sql);
            assert_eq!(error.to_string(), "events are immutable", "{sql}");
            shell.execute_batch("ROLLBACK").expect("still in the transaction");
            let error = shell.execute_batch(&sql).expect_err(&sql);
            assert_eq!(error.to_string(), "events are immutable", "{sql}");
            let forged = "SELECT count(*) FROM events WHERE type = 'Forged'";
            assert_eq!(shell.query_row(forged, [], |row| row.get::<_, i64>(0)), Ok(0), "{sql}");
        }
    }
    assert_eq!(read(&opened, &account).await, before);
    insert(&shell, "'account', 'new', 1, 'Credited', NULL, '2026', 'c', NULL, NULL, NULL, 9, 9")
        .expect("new");
}

/// What a person has forbidden is an error that says so, and no number that is taken.
#[tokio::test]
async fn what_a_trigger_of_somebody_else_refuses_is_an_error() {
    let (_folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let shell = Connection::open(&file).expect("opened");
    let closed =
        "CREATE TRIGGER closed BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'closed on Sundays'); END";
    shell.execute(closed, []).expect("made");
    for events in [1, 2] {
        let error = opened.append(&commit(&account, 2, events)).await.expect_err("it is refused");
        assert!(explain(&error).contains("closed on Sundays"), "{}", explain(&error));
    }
}

/// Inserts an event by hand.
fn insert(shell: &Connection, values: &str) -> rusqlite::Result<usize> {
    let columns = r#"resource, id, number, type, data, at, "commit", trace, cause, meta, position, first"#;
    shell.execute(&format!("INSERT INTO events ({columns}) VALUES ({values})"), [])
}

/// Puts an event into the file by hand, whose resource has its first event at that position.
fn put(
    shell: &Connection,
    [id, number, event_type, data, at, commit, trace]: [&str; 7],
    [position, first]: [i64; 2],
) {
    let values = format!(
        "'account', {id}, {number}, {event_type}, {data}, {at}, {commit}, {trace}, NULL, NULL, {position}, {first}"
    );
    insert(shell, &values).expect("inserted");
}

const AT: &str = "'2026-11-23T09:30:00.000Z'";

/// What somebody may have put into one column of an event.
const DAMAGES: [(&str, &str); 7] = [
    ("at", "'yesterday'"),
    ("at", "''"),
    ("trace", "'none'"),
    ("type", "CAST(x'ff' AS TEXT)"),
    ("data", "CAST(x'ff' AS TEXT)"),
    ("commit", "CAST(x'ff' AS TEXT)"),
    ("number", "-4"),
];

fn damaged<'a>(column: &str, value: &'a str, number: &'a str) -> [&'a str; 7] {
    let mut row = ["'a'", number, "'Credited'", "'{}'", AT, "'c'", "NULL"];
    let columns = ["id", "number", "type", "data", "at", "commit", "trace"];
    row[columns.iter().position(|name| *name == column).expect("a column")] = value;
    row
}

#[tokio::test]
async fn what_is_unreadable_is_an_error_that_names_it_in_the_midst_of_what_is_not() {
    for (column, value) in DAMAGES {
        let (_folder, file) = folder();
        let (opened, account, next) =
            (open(&file), ResourceKey::new("account", "a"), ResourceKey::new("account", "b"));
        for number in 1..=3 {
            store(&opened, &commit(&account, number, 1)).await;
        }
        let shell = Connection::open(&file).expect("opened");
        put(&shell, damaged(column, value, "4"), [4, 1]);
        store(&opened, &commit(&account, 5, 2)).await;
        store(&opened, &commit(&next, 1, 1)).await;

        let number = (column != "number").then_some(4);
        for (stream, whole) in
            [(opened.read(&account, 0), 4), (opened.scan(&account.resource_type).remove(0), 5)]
        {
            let read: Vec<_> = stream.collect().await;
            let (whole_ones, errors): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
            // Of a negative number a read does not come to know: it begins behind 0.
            let is_seen = number.is_some() || whole == 5;
            assert_eq!((whole_ones.len(), errors.len()), (whole, usize::from(is_seen)), "{column}");
            let Some(error) = errors.into_iter().next() else { continue };
            let error = error.expect_err("unreadable");
            assert_eq!(error.kind(), StoreErrorKind::Undecodable);
            let unreadable = error.unreadable().expect("it names the resource");
            assert_eq!((&unreadable.resource, unreadable.number), (&account, number));
            let line = explain(&error);
            assert!(line.contains(&format!("the column {column} of event ")), "{line}");
        }
        // The damage is not written over.
        if number.is_some() {
            opened.append(&commit(&account, 4, 1)).await.expect_err("the number is taken");
        }
    }
}

/// Also an id that no resource can have, a first event, and the last of all.
#[tokio::test]
async fn a_page_and_a_list_go_on_past_what_is_unreadable() {
    let (_folder, file) = folder();
    let opened = open(&file);
    let account = |id: &str| ResourceKey::new("account", id);
    store(&opened, &commit(&account("a"), 1, 1)).await;
    let shell = Connection::open(&file).expect("opened");
    put(&shell, ["CAST(x'ff' AS TEXT)", "1", "'Credited'", "NULL", AT, "'c'", "NULL"], [2, 2]);
    put(&shell, ["'early'", "1", "'Credited'", "NULL", "'0'", "'c'", "NULL"], [3, 3]);
    put(&shell, ["'late'", "1", "'Credited'", "NULL", "'yesterday'", "'c'", "NULL"], [4, 4]);
    store(&opened, &commit(&account("b"), 1, 3)).await;
    store(&opened, &commit(&account("b"), 4, 1)).await;

    let all = &"account".into();
    let read: Vec<_> = opened.scan(all).remove(0).collect().await;
    let mut read: Vec<_> = read
        .iter()
        .map(|read| match read {
            Ok(commit) => (commit.resource.id.as_str(), commit.number),
            Err(error) => {
                let unreadable = error.unreadable().expect("it names the resource");
                (unreadable.resource.id.as_str(), unreadable.number.expect("a number") + 100)
            }
        })
        .collect();
    read.sort_unstable();
    assert_eq!(read, [("a", 1), ("b", 1), ("b", 4), ("early", 101), ("late", 101), ("\u{fffd}", 101)]);

    for limit in 1..6 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = opened.list(all, limit, after.as_ref()).await.expect("listed");
            listed.extend(page.ids.iter().map(ToString::to_string));
            let Some(next) = page.next else { break };
            // As a client carries it.
            after = Some(next.to_string().parse().expect("a cursor"));
        }
        listed.sort_unstable();
        assert_eq!(listed, ["a", "b", "early", "late", "\u{fffd}"], "{limit}");
    }
}

/// The subscription goes on, and the resource waits for somebody to mend it.
#[tokio::test]
async fn an_event_that_is_unreadable_parks_its_resource_alone() {
    for (column, value) in DAMAGES {
        let (_folder, file) = folder();
        let opened = open(&file);
        let account = |id: &str| ResourceKey::new("account", id);
        store(&opened, &commit(&account("a"), 1, 1)).await;
        let shell = Connection::open(&file).expect("opened");
        put(&shell, damaged(column, value, "2"), [2, 1]);
        store(&opened, &commit(&account("a"), 3, 1)).await;
        store(&opened, &commit(&account("b"), 1, 2)).await;

        let (handled, mut seen) = mpsc::unbounded_channel();
        let handler = move |event: Recorded<AccountEvent>, _: Context| {
            let sent = handled.send((event.resource.id.to_string(), event.number));
            async move { sent.map_err(Failure::park) }
        };
        let subscription = Subscription::new("audit").on::<Account>(handler);
        let (stop, stopped) = oneshot::channel::<()>();
        let source = Source::of(&opened);
        let running = tokio::spawn(subscription.run(move |_| source.clone(), async { drop(stopped.await) }));

        let mut found = Vec::new();
        while found.last() != Some(&("b".to_owned(), 2)) {
            found.push(seen.recv().await.expect("it goes on"));
        }
        found.retain(|(id, _)| id == "a");
        assert_eq!(found, [("a".to_owned(), 1)], "{column}");
        let key = SubscriptionKey::new("audit", "account");
        let marker = loop {
            let progress =
                opened.load(&key, &["a".into()]).await.expect("loaded").remove(0).expect("a record");
            match progress.parked {
                Some(marker) if marker.waiting == 3 => break marker,
                _ => tokio::task::yield_now().await,
            }
        };
        assert_eq!(marker.number, 2);
        let why = if column == "number" { "event 2 of account a is missing" } else { "event 2 of account a" };
        assert!(marker.error.contains(why), "{}", marker.error);
        drop(stop);
        running.await.expect("stopped");
    }
}

/// Nobody waits for an event that cannot be, whoever it is said to be of.
#[tokio::test]
async fn what_has_a_number_that_no_event_has_holds_up_nobody() {
    let (_folder, file) = folder();
    let opened = open(&file);
    let account = |id: &str| ResourceKey::new("account", id);
    store(&opened, &commit(&account("a"), 1, 1)).await;
    let shell = Connection::open(&file).expect("opened");
    let numbers = ["0", "-1", "9223372036854775806", "9223372036854775807", "-9223372036854775808"];
    for (place, number) in (2..).zip(numbers) {
        put(&shell, ["'other'", number, "'Credited'", "NULL", AT, "'c'", "NULL"], [place, place]);
    }
    for (place, number) in (7..).zip(numbers) {
        put(&shell, ["'a'", number, "'Credited'", "NULL", AT, "'c'", "NULL"], [place, 1]);
    }
    store(&opened, &commit(&account("b"), 1, 2)).await;

    let (handled, mut seen) = mpsc::unbounded_channel();
    let handler = move |event: Recorded<AccountEvent>, _: Context| {
        let sent = handled.send((event.resource.id.to_string(), event.number));
        async move { sent.map_err(Failure::park) }
    };
    let subscription = Subscription::new("audit").on::<Account>(handler);
    let (stop, stopped) = oneshot::channel::<()>();
    let source = Source::of(&opened);
    let running = tokio::spawn(subscription.run(move |_| source.clone(), async { drop(stopped.await) }));
    let mut found = Vec::new();
    while found.last() != Some(&("b".to_owned(), 2)) {
        found.push(seen.recv().await.expect("it goes on"));
    }
    assert_eq!(found.iter().filter(|(id, _)| id == "a").count(), 1);
    store(&opened, &commit(&account("b"), 3, 1)).await;
    assert_eq!(seen.recv().await.expect("it goes on"), ("b".to_owned(), 3));
    drop(stop);
    running.await.expect("stopped");
    assert_eq!(read(&opened, &account("b")).await.len(), 2);
}

/// As good as one that cannot be read at all.
#[tokio::test]
async fn a_record_with_a_number_that_none_can_have_is_told_of() {
    let (_folder, file) = folder();
    let opened = open(&file);
    let (key, id) = (SubscriptionKey::new("audit", "account"), "a".into());
    let at = aws_event_sourcing_core::Timestamp::from_unix_millis(1);
    let marker = Parked {
        number: 3,
        after: 2,
        event_type: None,
        waiting: 4,
        error: "no ink".into(),
        attempts: 1,
        first_failed_at: at,
        last_failed_at: at,
        next_attempt_at: at,
        claimed_until: None,
        trace: None,
    };
    let progress = Progress { handled: Some(2), parked: Some(Box::new(marker)), revision: 0 };
    opened.swap(&key, &id, 0, &progress, None).await.expect("stored");
    let shell = Connection::open(&file).expect("opened");
    let whole =
        opened.load(&key, std::slice::from_ref(&id)).await.expect("loaded").remove(0).expect("a record");
    for (column, value) in [
        ("revision", "9223372036854775807"),
        ("handled", "9223372036854775807"),
        ("number", "9223372036854775807"),
        ("number", "0"),
        ("number", "2"),
        ("after", "3"),
        ("after", "9223372036854775807"),
        ("waiting", "9223372036854775807"),
    ] {
        let had: i64 =
            shell.query_row(&format!("SELECT {column} FROM progress"), [], |row| row.get(0)).expect("one");
        let put = |value: &str| shell.execute(&format!("UPDATE progress SET {column} = {value}"), []);
        assert_eq!(put(value), Ok(1));
        let loaded = opened.load(&key, std::slice::from_ref(&id)).await.expect("loaded").remove(0);
        let record = loaded.expect_err(&format!("{column} = {value}"));
        let named = if (column, value) == ("number", "2") { "after" } else { column };
        assert!(explain(&record).contains(&format!("unreadable {named}")), "{}", explain(&record));
        assert_eq!(opened.parked(&key, None, 10, None).await.expect("listed").unreadable.len(), 1);
        assert_eq!(put(&had.to_string()), Ok(1));
    }
    assert_eq!(opened.load(&key, &[id]).await.expect("loaded").remove(0).expect("a record"), whole);
}

#[derive(Debug, Clone, Default)]
struct Account;

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum AccountEvent {
    Credited {},
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Event = AccountEvent;
    type Error = &'static str;

    fn validate(&self, _: &AccountEvent) -> Result<(), &'static str> {
        Ok(())
    }

    fn apply(&mut self, _: &AccountEvent) {}
}
