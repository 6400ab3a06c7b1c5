//! The file is plain: people can read it with any SQLite shell, and cannot change what has happened.

use aws_event_sourcing_core::{EventStore as _, ResourceKey, StoreErrorKind};
use futures_util::StreamExt as _;
use rusqlite::Connection;

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

#[tokio::test]
async fn what_is_unreadable_is_an_error_that_names_it() {
    for (column, value) in [
        ("at", "'yesterday'"),
        ("at", "''"),
        ("trace", "'none'"),
        ("type", "CAST(x'ff' AS TEXT)"),
        ("data", "CAST(x'ff' AS TEXT)"),
        ("commit", "CAST(x'ff' AS TEXT)"),
    ] {
        let (_folder, file) = folder();
        let (opened, account) = (open(&file), ResourceKey::new("account", "a"));
        for number in 1..=3 {
            store(&opened, &commit(&account, number, 1)).await;
        }
        let shell = Connection::open(&file).expect("opened");
        let mut row: Vec<_> =
            ["'account'", "'a'", "4", "'Credited'", "'{}'", "'2026-11-23T09:30:00.000Z'", "'c'", "NULL"]
                .to_vec();
        row[["resource", "id", "number", "type", "data", "at", "commit", "trace"]
            .iter()
            .position(|name| *name == column)
            .expect("a column")] = value;
        insert(&shell, &format!("{}, NULL, NULL, 4, 1", row.join(", "))).expect("inserted");

        for stream in [opened.read(&account, 0), opened.scan(&account.resource_type).remove(0)] {
            let mut found: Vec<_> = stream.collect().await;
            let error = found.pop().expect("an error").expect_err("unreadable");
            assert_eq!(error.kind(), StoreErrorKind::Undecodable);
            let line = explain(&error);
            assert!(line.contains(&format!("event 4 of account a has an unreadable {column}: ")), "{line}");
            assert!(found.iter().all(Result::is_ok), "what comes before it is whole");
        }
        // What follows the damage is there for whoever knows its number, and the damage is not written over.
        opened.append(&commit(&account, 4, 1)).await.expect_err("the number is taken");
        store(&opened, &commit(&account, 5, 1)).await;
        assert!(opened.read(&account, 4).next().await.expect("a commit").is_ok());
    }
}

#[tokio::test]
async fn a_page_of_a_list_that_ends_at_an_unreadable_time_is_an_error() {
    let (_folder, file) = folder();
    let opened = open(&file);
    let shell = Connection::open(&file).expect("opened");
    insert(&shell, "'account', 'a', 1, 'Credited', NULL, '0', 'c', NULL, NULL, NULL, 1, 1")
        .expect("inserted");
    store(&opened, &commit(&ResourceKey::new("account", "b"), 1, 1)).await;
    let all = &"account".into();
    assert_eq!(opened.list(all, 2, None).await.expect("listed").ids.len(), 2);
    let error = opened.list(all, 1, None).await.expect_err("there is no cursor for that time");
    assert_eq!(error.kind(), StoreErrorKind::Undecodable);
    assert!(explain(&error).contains("event 1 of account a has an unreadable at: "), "{}", explain(&error));
}
