//! `eventctl parked` beside a subscription that runs on the same file.

use std::{
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_event_sourcing_core::{
    Aggregate, Event, Recorded, Repository, Timestamp,
    subscription::{
        Backoff, Context, Failure, Parked, Progress, ProgressStore as _, Source, Start, Subscription,
        SubscriptionKey, Swap, with_state,
    },
};
use aws_event_sourcing_dynamodb::DynamoDb;
use aws_event_sourcing_sqlite::SqliteStore;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum LetterEvent {
    LetterWritten { text: String },
    LetterStamped { code: u128 },
    LetterSent,
}

use LetterEvent::{LetterSent, LetterStamped, LetterWritten};

#[derive(Debug, Clone, Default)]
struct Letter;

impl Aggregate for Letter {
    const TYPE: &'static str = "letter";
    type Event = LetterEvent;
    type Error = std::convert::Infallible;

    fn validate(&self, _: &LetterEvent) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: &LetterEvent) {}
}

/// Fails for the letters that are bad, until it is mended.
async fn print(mended: Arc<AtomicBool>, event: Recorded<LetterEvent>, _: Context) -> Result<(), Failure> {
    match event.event {
        LetterWritten { text } if text == "bad" && !mended.load(Ordering::SeqCst) => {
            Err(Failure::park("the printer\nis on fire"))
        }
        LetterStamped { .. } => Err(Failure::park("the stamp is smudged")),
        _ => Ok(()),
    }
}

struct Post {
    folder: tempfile::TempDir,
    store: SqliteStore,
    letters: Repository<Letter>,
    mended: Arc<AtomicBool>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Post {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("events.db")).expect("a store");
        let letters = Repository::new(store.clone());
        Self { folder, store, letters, mended: Arc::default(), running: None }
    }

    fn start(&mut self) {
        let (stop, stopped) = oneshot::channel::<()>();
        let source = Source::of(&self.store);
        let backoff = Backoff { first: Duration::from_secs(600), longest: Duration::from_secs(600) };
        let prints =
            Subscription::new("prints").on::<Letter>(with_state(self.mended.clone(), print)).redrive(backoff);
        let task = tokio::spawn(prints.run(move |_| source.clone(), async { drop(stopped.await) }));
        self.running = Some((stop, task));
    }

    async fn stop(&mut self) {
        let (stop, task) = self.running.take().expect("it runs");
        drop(stop);
        task.await.expect("it ends well");
    }

    fn eventctl(&self, arguments: &[&str]) -> Command {
        eventctl(self.folder.path(), arguments)
    }

    /// Changes the file as a person with a shell does.
    fn in_a_shell(&self, sql: &str) {
        let python =
            "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])";
        let file = self.folder.path().join("events.db");
        let changed =
            Command::new("python3").args(["-c", python]).arg(file).arg(sql).status().expect("python3");
        assert!(changed.success());
    }

    /// What is parked, once there are so many.
    async fn parked(&self, count: usize) -> Vec<Value> {
        loop {
            let list = json(&mut self.eventctl(&["parked", "list"]));
            let parked = list["parked"].as_array().expect("a list").clone();
            if parked.len() == count {
                return parked;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The marker of a letter that could not be printed at that time, and is due.
fn marker(at: Timestamp) -> Parked {
    Parked {
        number: 1,
        after: 0,
        event_type: Some("LetterWritten".into()),
        waiting: 1,
        error: "out of paper".into(),
        attempts: 3,
        first_failed_at: at,
        last_failed_at: at,
        next_attempt_at: at,
        claimed_until: None,
        trace: None,
    }
}

fn eventctl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventctl"));
    command.env_clear().env("DATA_DIR", folder).args(arguments);
    command
}

struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    Said {
        status: status.code().expect("it ended by itself"),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

fn text(command: &mut Command) -> String {
    let Said { status, stdout, stderr } = run(command);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    stdout
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&text(command.arg("--json"))).expect("JSON")
}

fn failure(command: &mut Command) -> String {
    let Said { status, stdout, stderr } = run(command);
    assert_eq!((status, stdout.as_str(), stderr.lines().count()), (1, "", 1), "{stderr}");
    stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_listed_shown_and_tried_again() {
    let mut post = Post::open();
    let bad = || LetterWritten { text: "bad".into() };
    let mut first = post.letters.create(bad()).id("1").await.expect("new");
    first.commit_all([LetterSent, LetterSent]).await.expect("committed");
    post.letters.create(bad()).id("2").await.expect("new");
    post.letters.create(LetterWritten { text: "good".into() }).id("3").await.expect("new");
    post.start();

    let parked = post.parked(2).await;
    let waiting = |id: &str| parked.iter().find(|it| it["id"] == id).expect("parked")["waiting"].clone();
    assert_eq!(parked[0]["subscription"], "prints");
    assert_eq!(parked[0]["resource_type"], "letter");
    assert_eq!((&parked[0]["number"], &parked[0]["event_type"]), (&1.into(), &"LetterWritten".into()));
    assert_eq!(waiting("2"), 1);
    let table = text(&mut post.eventctl(&["parked", "list", "--subscription", "prints"]));
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("SUBSCRIPTION  TYPE    ID  EVENT            WAITING  ATTEMPTS"), "{table}");
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].ends_with("the printer") && lines[2].ends_with("the printer"), "{table}");
    // However long a text is.
    post.in_a_shell("UPDATE progress SET type = hex(zeroblob(50000)) WHERE id = '2'");
    let table = text(&mut post.eventctl(&["parked", "list"]));
    assert!(table.lines().count() == 3 && table.len() > 300_000, "{}", table.len());
    post.in_a_shell("UPDATE progress SET type = 'LetterWritten' WHERE id = '2'");
    let one = json(&mut post.eventctl(&["parked", "list", "--limit", "1"]));
    assert_eq!((one["parked"].as_array().map(Vec::len), &one["more"]), (Some(1), &true.into()));

    let shown = json(&mut post.eventctl(&["parked", "show", "prints", "1"]));
    assert_eq!(shown["parked"]["error"], "the printer\nis on fire");
    assert_eq!(shown["event"]["data"]["text"], "bad");
    assert_eq!(shown["skipped"], Value::Array(Vec::new()));
    let shown = text(&mut post.eventctl(&["parked", "show", "prints", "1"]));
    for expected in ["letter 1", "LetterWritten", r#"{"text":"bad"}"#, "is on fire"] {
        assert!(shown.contains(expected), "{expected} is not in {shown}");
    }

    // Ten minutes would pass before the next attempt.
    post.mended.store(true, Ordering::SeqCst);
    assert_eq!(json(&mut post.eventctl(&["parked", "retry", "prints", "2"]))["retried"], 1);
    assert_eq!(post.parked(1).await[0]["id"], "1");
    assert_eq!(
        text(&mut post.eventctl(&["parked", "retry", "prints"])),
        "1 resource is tried again now for prints: 1 of letter\n"
    );
    post.parked(0).await;
    assert_eq!(text(&mut post.eventctl(&["parked", "list"])), "nothing is parked\n");
    let failure = failure(&mut post.eventctl(&["parked", "retry", "prints", "1"]));
    assert_eq!(failure, "eventctl: 1 is not parked for prints\n");
    post.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_holds_up_its_own_resource_and_no_other() {
    let mut post = Post::open();
    let written = |text: &str| LetterWritten { text: text.into() };
    for id in ["1", "2"] {
        post.letters.create(written("bad")).id(id).await.expect("new");
    }
    post.start();
    post.parked(2).await;
    post.stop().await;

    let spoil = "UPDATE progress SET waiting = -1, next_attempt_at = 'soon' WHERE id = '1'";
    post.in_a_shell(spoil);
    post.mended.store(true, Ordering::SeqCst);
    post.start();
    // What else is parked is redriven, what else is committed is handled, and 1 is none of both.
    post.parked(0).await;
    post.letters.update("1", |_| Ok(vec![LetterStamped { code: 1 }])).await.expect("committed");
    post.letters.create(LetterStamped { code: 2 }).id("3").await.expect("new");
    assert_eq!(post.parked(1).await[0]["id"], "3");

    let list = json(&mut post.eventctl(&["parked", "list"]));
    let unreadable = &list["unreadable"];
    assert_eq!((unreadable.as_array().map(Vec::len), &unreadable[0]["id"]), (Some(1), &"1".into()), "{list}");
    let remedy = unreadable[0]["remedy"].as_str().expect("text");
    let delete = "DELETE FROM progress WHERE subscription = 'prints' AND resource = 'letter' AND id = '1'";
    assert!(
        unreadable[0]["error"].as_str().is_some_and(|error| error.contains("unreadable waiting")),
        "{list}"
    );
    assert!(remedy.contains(delete), "{remedy}");
    let table = text(&mut post.eventctl(&["parked", "list"]));
    assert!(
        table.contains("the record of 1 for prints of letter cannot be read") && table.contains(delete),
        "{table}"
    );
    for verb in [&["parked", "show", "prints", "1"][..], &["parked", "retry", "prints", "1"]] {
        let Said { status, stderr, .. } = run(&mut post.eventctl(verb));
        assert!(
            status == 1 && stderr.contains("cannot be read") && stderr.contains(delete),
            "{status}: {stderr}"
        );
    }

    // Without the record, the event that was delivered meanwhile is handled, and what waited behind the marker is not.
    post.in_a_shell(delete);
    let parked = post.parked(2).await;
    let first = parked.iter().find(|it| it["id"] == "1").expect("handed over");
    assert_eq!((&first["number"], &first["waiting"]), (&2.into(), &1.into()));
    assert_eq!(json(&mut post.eventctl(&["parked", "list"]))["unreadable"], Value::Array(Vec::new()));
    post.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_skipped_by_number_and_never_in_silence() {
    let mut post = Post::open();
    let bad = || LetterWritten { text: "bad".into() };
    post.letters.create_all([bad(), LetterSent, bad()]).id("1").await.expect("new");
    post.start();
    post.parked(1).await;
    post.stop().await;

    let skip = |arguments: &[&str]| {
        let mut command = post.eventctl(&["parked", "skip", "prints", "1", "--by", "ada"]);
        command.args(arguments);
        command
    };
    let refused = failure(&mut skip(&["--number", "2", "--reason", "why"]));
    assert_eq!(refused, "eventctl: it is parked at event 1, not 2\n");
    assert_eq!(run(&mut skip(&["--number", "1"])).status, 2, "a reason has to be given");
    assert_eq!(run(&mut skip(&["--number", "1", "--reason", " "])).status, 2);
    let skipped = json(&mut skip(&["--number", "1", "--reason", "a mistake"]));
    assert_eq!(skipped["skipped"]["number"], 1);
    assert_eq!(
        (&skipped["skipped"]["by"], &skipped["skipped"]["reason"]),
        (&"ada".into(), &"a mistake".into())
    );

    // It goes on behind that event, to the next one that cannot be handled.
    post.start();
    while post.parked(1).await[0]["number"] != 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    post.mended.store(true, Ordering::SeqCst);
    text(&mut post.eventctl(&["parked", "retry", "prints", "1"]));
    post.parked(0).await;
    let shown = text(&mut post.eventctl(&["parked", "show", "prints", "1"]));
    assert!(shown.contains("not parked"), "{shown}");
    assert!(shown.contains("event 1, LetterWritten, by ada at 20"), "{shown}");
    assert!(shown.contains("a mistake (the error was: the printer"), "{shown}");
    post.stop().await;
}

/// One failed then, and of the other one somebody was killed who had it for themselves.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_while_the_clock_was_ahead_is_shown_as_due_and_is_nobodys() {
    let post = Post::open();
    let key = SubscriptionKey::new("prints", "letter");
    let since_now = |seconds| Timestamp::from(SystemTime::now() + Duration::from_secs(seconds));
    let ahead = since_now(2 * 24 * 60 * 60);
    post.store.register(&key, Start::Beginning, since_now(0)).await.expect("registered");
    for (id, claimed_until) in [("1", None), ("2", Some(ahead)), ("3", None)] {
        post.letters.create(LetterWritten { text: "bad".into() }).id(id).await.expect("new");
        let next = if id == "3" { since_now(60) } else { ahead };
        let last_failed_at = if claimed_until.is_none() { next } else { since_now(0) };
        let parked = Parked { next_attempt_at: next, last_failed_at, claimed_until, ..marker(since_now(0)) };
        let progress = Progress { handled: None, parked: Some(Box::new(parked)), revision: 0 };
        let swapped = post.store.swap(&key, &id.into(), 0, &progress, None).await;
        assert!(matches!(swapped, Ok(Swap::Done(_))));
    }
    let list = json(&mut post.eventctl(&["parked", "list"]));
    let seen: Vec<_> = list["parked"].as_array().expect("a list").iter().collect();
    let ids: Vec<_> = seen.iter().map(|parked| parked["id"].as_str().expect("a text")).collect();
    assert_eq!(ids, ["1", "2", "3"], "what is due comes first");
    for parked in &seen[..2] {
        let next: Timestamp = serde_json::from_value(parked["next_attempt_at"].clone()).expect("a time");
        assert!(next <= since_now(0), "{parked}");
        assert_eq!(parked["claimed_until"], Value::Null, "{parked}");
    }
    let shown = text(&mut post.eventctl(&["parked", "show", "prints", "2"]));
    assert!(!shown.contains(&ahead.to_string()), "{shown}");
    assert_eq!(json(&mut post.eventctl(&["parked", "retry", "prints", "2"]))["retried"], 1);
    let due = post.store.parked(&key, Some(since_now(0)), 10, None).await.expect("listed");
    assert_eq!(due.resources.len(), 1, "nobody has it for themselves");
    let skip = ["parked", "skip", "prints", "2", "--number", "1", "--reason", "why", "--by", "ada"];
    assert_eq!(json(&mut post.eventctl(&skip))["skipped"]["number"], 1);
    assert_eq!(json(&mut post.eventctl(&["parked", "retry", "prints", "1"]))["retried"], 1);
    let due = post.store.parked(&key, Some(since_now(0)), 10, None).await.expect("listed");
    assert_eq!(due.resources.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_skips_is_known_to_the_system() {
    let mut post = Post::open();
    post.letters.create(LetterWritten { text: "bad".into() }).id("1").await.expect("new");
    post.start();
    post.parked(1).await;
    let arguments = ["parked", "skip", "prints", "1", "--number", "1", "--reason", "why"];
    let skipped = json(&mut post.eventctl(&arguments));
    assert_ne!(skipped["skipped"]["by"], "");
    post.parked(0).await;
    post.stop().await;
}

#[test]
fn what_is_not_there_is_named_and_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = failure(&mut eventctl(folder.path(), &["parked", "list"]));
    assert!(said.contains("events.db") && said.contains("--data-dir"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);

    let store = SqliteStore::open(folder.path().join("events.db")).expect("a store");
    assert_eq!(text(&mut eventctl(folder.path(), &["parked", "list"])), "nothing is parked\n");
    let said = failure(&mut eventctl(folder.path(), &["parked", "show", "prints", "1"]));
    assert!(said.contains("no such subscription has run here"), "{said}");
    drop(store);
}

/// The same commands on a table of DynamoDB, beside no subscription at all.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_on_dynamodb_is_listed_shown_and_skipped() {
    let access_key = format!("parked{}", std::process::id());
    let connect = DynamoDb::builder().access_key(&access_key, "secret").region("us-east-1");
    let dynamodb = connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection");
    let eventctl = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eventctl"));
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &*access_key),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local::url()),
            ("DYNAMODB_TABLE_LETTER", "letters"),
        ];
        command.env_clear().envs(settings).args(arguments);
        command
    };
    for table in [&["letters"][..], &["marks", "--subscriptions"]] {
        let said = run(eventctl(&["table", "create"]).args(table));
        assert_eq!(said.status, 0, "{}", said.stderr);
    }
    let forgotten = failure(&mut eventctl(&["parked", "list"]));
    assert!(forgotten.contains("SUBSCRIPTIONS_TABLE"), "{forgotten}");

    let letters = Repository::<Letter>::new(dynamodb.store().table("letter", "letters").build());
    letters.create(LetterWritten { text: "bad".into() }).id("1").await.expect("new");
    let marks = dynamodb.subscriptions("marks");
    let (key, id, at) = (
        SubscriptionKey::new("prints", "letter"),
        "1".into(),
        Timestamp::from_unix_millis(1_700_000_000_000),
    );
    marks.register(&key, Start::Beginning, at).await.expect("registered");
    let progress = Progress { handled: None, parked: Some(Box::new(marker(at))), revision: 0 };
    assert!(matches!(marks.swap(&key, &id, 0, &progress, None).await, Ok(Swap::Done(_))));

    let marked = |arguments: &[&str]| {
        let mut command = eventctl(arguments);
        command.args(["--subscriptions-table", "marks"]);
        command
    };
    let list = json(&mut marked(&["parked", "list"]));
    assert_eq!(
        (&list["parked"][0]["id"], &list["parked"][0]["error"]),
        (&"1".into(), &"out of paper".into())
    );
    let shown = json(&mut marked(&["parked", "show", "prints", "1"]));
    assert_eq!(shown["event"]["data"]["text"], "bad");
    assert_eq!(json(&mut marked(&["parked", "retry", "prints"]))["retried"], 1);
    let skip = ["parked", "skip", "prints", "1", "--number", "1", "--reason", "why", "--by", "ada"];
    assert_eq!(json(&mut marked(&skip))["skipped"]["by"], "ada");
    let shown = json(&mut marked(&["parked", "show", "prints", "1"]));
    assert_eq!((&shown["parked"]["number"], &shown["skipped"][0]["number"]), (&2.into(), &1.into()));
    let gone = failure(&mut eventctl(&["parked", "list", "--subscriptions-table", "nowhere"]));
    assert!(gone.contains("`eventctl table create nowhere --subscriptions`"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_in_the_way_is_shown_to_the_last_digit() {
    let mut post = Post::open();
    let code = 100_000_000_000_000_000_001;
    post.letters.create(LetterStamped { code }).id("1").await.expect("new");
    post.start();
    post.parked(1).await;
    for arguments in [&["parked", "show", "prints", "1"][..], &["parked", "show", "prints", "1", "--json"]] {
        let shown = run(&mut post.eventctl(arguments)).stdout;
        assert!(shown.contains(&code.to_string()), "{shown}");
    }
    post.stop().await;
}
