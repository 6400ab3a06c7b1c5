//! The two forms of what `eventctl` says: what is told as text is told as JSON too, in the same words, of a file and of tables.

use std::{
    path::PathBuf,
    process::{self, Command, Output},
    sync::Arc,
};

use aws_event_sourcing_core::{
    Commit, EncodedEvent, EventStore, Json, ResourceKey, Timestamp,
    subscription::{Parked, Progress, ProgressStore, Start, SubscriptionKey, Swap},
};
use aws_event_sourcing_dynamodb::DynamoDb;
use aws_event_sourcing_sqlite::SqliteStore;
use serde_json::{Value, json};

const TRACE: &str = "00-67431a984bf92f3577b34da6a3ce929d-00f067aa0ba902b7-01";

/// Where a field is in the text: anywhere.
const ANYWHERE: &str = "";
/// Where a field is in the text: nowhere, for a reason that the help tells, or because it is the text's own form.
const NOWHERE: &str = "-";

/// A command, and for each field of its document the label of the line that tells it.
struct Form {
    arguments: &'static [&'static str],
    fields: &'static [(&'static str, &'static str)],
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

/// The program at a file or at tables, without anything of the environment of whoever runs the tests.
struct Place {
    settings: Vec<(&'static str, String)>,
    folder: PathBuf,
}

impl Place {
    fn tables(access_key: &str) -> Self {
        let settings = vec![
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", format!("{access_key}{}", process::id())),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local::url().to_owned()),
        ];
        Self { settings, folder: std::env::temp_dir() }
    }

    fn eventctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eventctl"));
        command.env_clear().envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", "/nonexistent")
            .current_dir(&self.folder)
            .args(arguments);
        command
    }

    async fn connect(&self) -> DynamoDb {
        let connect = DynamoDb::builder().access_key(&*self.settings[1].1, "secret").region("us-east-1");
        connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection")
    }

    /// What a command says in both forms, when it ends well or falls short. Gives the document.
    fn both(&self, form: &Form) -> Value {
        let text = run(&mut self.eventctl(form.arguments));
        self.beside(&text, form)
    }

    /// The same, for a command that was run as text before.
    fn beside(&self, text: &Said, form: &Form) -> Value {
        let Said { status, stdout, stderr } = run(self.eventctl(form.arguments).arg("--json"));
        assert_eq!((status, stderr.as_str()), (text.status, ""), "{:?}: {}", form.arguments, text.stderr);
        let document = serde_json::from_str(&stdout).expect("a document");
        tells(&document, "", &text.stdout, form);
        if form.fields.iter().all(|(_, label)| ![ANYWHERE, NOWHERE].contains(label)) {
            for line in text.stdout.lines() {
                let label = line.split("  ").next().unwrap_or_default();
                let is_known = form.fields.iter().any(|(_, known)| label == *known);
                assert!(is_known, "{:?}: {label} is not in {document}", form.arguments);
            }
        }
        document
    }
}

/// Panics unless the text has each field of the document, on its line.
fn tells(value: &Value, path: &str, text: &str, form: &Form) {
    let field = form.fields.iter().find(|(known, _)| *known == path);
    let Some((_, label)) = field else {
        let within = |name: &str| format!("{path}{}{name}", if path.is_empty() { "" } else { "/" });
        return match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| tells(value, &within(name), text, form));
            }
            Value::Array(values) => values.iter().for_each(|value| tells(value, path, text, form)),
            // Nothing is hidden.
            Value::Null => (),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                panic!("{:?}: {path} is not in the text {text}", form.arguments)
            }
        };
    };
    if *label == NOWHERE {
        return;
    }
    let words = match value {
        Value::Null => return,
        Value::Bool(true) => vec!["on".to_owned(), " passes ".to_owned(), " is whole".to_owned()],
        Value::Bool(false) => vec!["off".to_owned(), " falls short ".to_owned(), " not whole".to_owned()],
        Value::String(said) => vec![said.clone(), said.replace('_', " ")],
        Value::Number(number) => vec![number.to_string().trim_end_matches(".0").to_owned()],
        Value::Array(_) | Value::Object(_) => vec![value.to_string()],
    };
    let in_line = |line: &str| line.starts_with(label) && words.iter().any(|word| line.contains(&**word));
    let text = text.to_owned() + "\n" + &text.to_lowercase().replace("point-in-time", "point in time");
    assert!(text.lines().any(in_line), "{:?}: {path}, {words:?}, in {text}", form.arguments);
}

/// What is parked, in a store of any sort: two resources of one id that differ in their types.
struct Post {
    place: Place,
    events: Arc<dyn EventStore>,
    progress: Arc<dyn ProgressStore>,
}

impl Post {
    async fn fill(self) -> Self {
        for resource_type in ["letter", "parcel"] {
            let commit = Commit {
                resource: ResourceKey::new(resource_type, "1"),
                number: 1,
                events: vec![EncodedEvent {
                    event_type: "Written".into(),
                    data: Some(Json::parse(r#"{"text":"bad"}"#).expect("JSON")),
                }],
                at: Timestamp::from_unix_millis(1_700_000_000_000),
                id: "first".into(),
                follows: None,
                trace: Some(TRACE.parse().expect("a trace")),
                cause: Some("reorders/9/3".into()),
                meta: Some(Json::parse(r#"{"user":"ada"}"#).expect("JSON")),
            };
            self.events.append(&commit).await.expect("appended");
            let key = SubscriptionKey::new("prints", resource_type);
            let at = Timestamp::from_unix_millis(1_700_000_000_000);
            self.progress.register(&key, Start::Beginning, at).await.expect("registered");
            self.park(resource_type).await;
        }
        self
    }

    /// Sets the marker, whatever was done with it.
    async fn park(&self, resource_type: &str) {
        let (key, id) = (SubscriptionKey::new("prints", resource_type), "1".into());
        let at = |second: u64| Timestamp::from_unix_millis(1_700_000_000_000 + second * 1_000);
        let parked = Parked {
            number: 1,
            after: 0,
            event_type: Some("Written".into()),
            waiting: 1,
            error: "out of paper".into(),
            attempts: 3,
            first_failed_at: at(1),
            last_failed_at: at(2),
            next_attempt_at: at(3),
            claimed_until: Some(at(4)),
            trace: Some(TRACE.parse().expect("a trace")),
        };
        let now = self.progress.load(&key, std::slice::from_ref(&id)).await.expect("loaded");
        let revision = now[0].as_ref().expect("a record").revision;
        let progress = Progress { handled: None, parked: Some(Box::new(parked)), revision };
        let swapped = self.progress.swap(&key, &id, revision, &progress, None).await;
        assert!(matches!(swapped, Ok(Swap::Done(_))));
    }
}

const LIST: Form = Form {
    arguments: &["parked", "list", "--type", "letter"],
    fields: &[
        ("parked/subscription", ANYWHERE),
        ("parked/resource_type", ANYWHERE),
        ("parked/id", ANYWHERE),
        ("parked/number", ANYWHERE),
        ("parked/event_type", ANYWHERE),
        ("parked/waiting", ANYWHERE),
        ("parked/error", ANYWHERE),
        ("parked/attempts", ANYWHERE),
        ("parked/first_failed_at", ANYWHERE),
        ("parked/last_failed_at", NOWHERE),
        ("parked/next_attempt_at", ANYWHERE),
        ("parked/claimed_until", NOWHERE),
        ("parked/trace", NOWHERE),
        ("more", NOWHERE),
    ],
};

const SHOW: Form = Form {
    arguments: &["parked", "show", "prints", "1", "--type", "letter"],
    fields: &[
        ("subscription", "subscription"),
        ("resource_type", "resource"),
        ("id", "resource"),
        ("parked/subscription", "subscription"),
        ("parked/resource_type", "resource"),
        ("parked/id", "resource"),
        ("parked/number", "event"),
        ("parked/event_type", "type"),
        ("parked/waiting", "events waiting"),
        ("parked/error", "error"),
        ("parked/attempts", "attempts"),
        ("parked/first_failed_at", "first failed"),
        ("parked/last_failed_at", "last failed"),
        ("parked/next_attempt_at", "next attempt"),
        ("parked/claimed_until", "being tried until"),
        ("parked/trace", "trace"),
        ("event/number", "event"),
        ("event/type", "type"),
        ("event/data", "data"),
        ("event/at", "committed"),
        ("event/commit", "commit"),
        ("event/trace", "trace"),
        ("event/cause", "cause"),
        ("event/meta", "meta"),
        ("event_unreadable", "data"),
        ("skipped/number", "skipped"),
        ("skipped/event_type", "skipped"),
        ("skipped/error", "skipped"),
        ("skipped/reason", "skipped"),
        ("skipped/by", "skipped"),
        ("skipped/at", "skipped"),
    ],
};

const RETRY: Form = Form {
    arguments: &["parked", "retry", "prints", "1", "--type", "letter"],
    fields: &[
        ("subscription", ANYWHERE),
        ("retried", ANYWHERE),
        ("types/resource_type", ANYWHERE),
        ("types/retried", ANYWHERE),
    ],
};

const SKIP: Form = Form {
    arguments: &[
        "parked", "skip", "prints", "1", "--type", "letter", "--number", "1", "--reason", "why", "--by",
        "ada",
    ],
    fields: &[
        ("subscription", "subscription"),
        ("resource_type", "resource"),
        ("id", "resource"),
        ("skipped/number", "skipped"),
        ("skipped/event_type", "skipped"),
        ("skipped/error", "error"),
        ("skipped/reason", "reason"),
        ("skipped/by", "by"),
        // The two are skipped one after the other.
        ("skipped/at", NOWHERE),
    ],
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_told_alike_as_text_and_as_json_of_a_file_and_of_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    let store = SqliteStore::open(folder.path().join("data/events.db")).expect("a store");
    let place = Place { settings: Vec::new(), folder: folder.path().to_owned() };
    let file = Post { place, events: Arc::new(store.clone()), progress: Arc::new(store) };

    let mut place = Place::tables("forms");
    for table in [&["letters"][..], &["parcels"], &["marks", "--subscriptions"]] {
        let said = run(place.eventctl(&["table", "create"]).args(table));
        assert_eq!(said.status, 0, "{}", said.stderr);
    }
    place.settings.push(("SUBSCRIPTIONS_TABLE", "marks".to_owned()));
    let dynamodb = place.connect().await;
    let events = dynamodb.store().table("letter", "letters").table("parcel", "parcels").build();
    let tables =
        Post { place, events: Arc::new(events), progress: Arc::new(dynamodb.subscriptions("marks")) };
    let (file, mut tables) = (file.fill().await, tables.fill().await);

    // Without a name for the table of the events it says how to name it, and tells what else there is.
    let hidden = tables.place.both(&SHOW);
    assert_eq!((&hidden["event"], &hidden["parked"]["error"]), (&Value::Null, &json!("out of paper")));
    let hint = hidden["event_unreadable"].as_str().expect("a hint");
    assert!(hint.contains("--table") && hint.contains("DYNAMODB_TABLE_LETTER"), "{hint}");
    tables.place.settings.push(("DYNAMODB_TABLE", "nowhere".to_owned()));
    let elsewhere = tables.place.both(&SHOW);
    assert!(elsewhere["event_unreadable"].is_string(), "{elsewhere}");
    tables.place.settings.push(("DYNAMODB_TABLE_LETTER", "letters".to_owned()));

    for form in [LIST, SHOW, RETRY] {
        assert_eq!(file.place.both(&form), tables.place.both(&form), "{:?}", form.arguments);
    }
    let shown = file.place.both(&SHOW);
    assert_eq!(shown["event"]["meta"], json!({ "user": "ada" }));
    assert_eq!(shown["event"]["cause"], "reorders/9/3");

    for post in [&file, &tables] {
        // A type narrows what is tried again; without one it is all.
        let all = run(&mut post.place.eventctl(&["parked", "retry", "prints", "1"])).stdout;
        assert_eq!(all, "2 resources are tried again now for prints: 1 of letter, 1 of parcel\n");
        let none = run(&mut post.place.eventctl(&["parked", "retry", "prints", "--type", "crate"]));
        assert_eq!(none.status, 1);
        assert!(none.stderr.contains("prints of letter, prints of parcel"), "{}", none.stderr);
        let either = run(&mut post.place.eventctl(&["parked", "show", "prints", "1"]));
        assert!(either.stderr.contains("say which by --type"), "{}", either.stderr);

        let text = run(&mut post.place.eventctl(SKIP.arguments));
        assert_eq!(text.status, 0, "{}", text.stderr);
        post.park("letter").await;
        post.place.beside(&text, &SKIP);
        // What was skipped is told with what waits now.
        post.place.both(&SHOW);
        assert_eq!(run(&mut post.place.eventctl(&["parked", "list", "--limit", "0"])).status, 2);
    }
}

const CREATE: Form = Form {
    arguments: &["table", "create", "letters"],
    fields: &[
        ("table", "table"),
        ("region", "table"),
        ("outcome", "table"),
        ("kind", "kind"),
        ("arn", "ARN"),
        ("tags", "tags"),
        ("deletion_protection/known", "deletion protection"),
        ("point_in_time_recovery", "point-in-time recovery"),
    ],
};

const CHECK: Form = Form {
    arguments: &["table", "check", "letters"],
    fields: &[
        ("passed", ANYWHERE),
        ("table", ANYWHERE),
        ("kind", ANYWHERE),
        ("findings/requirement", ANYWHERE),
        ("findings/verdict", ANYWHERE),
        ("findings/found", ANYWHERE),
        ("findings/advice", ANYWHERE),
    ],
};

const DESCRIBE: Form = Form {
    arguments: &["table", "describe", "letters"],
    fields: &[
        ("table", "table"),
        ("kind", "kind"),
        ("arn", "ARN"),
        ("region", "region"),
        ("status", "status"),
        ("created", "created"),
        ("key", "key"),
        ("items", "commits"),
        ("bytes", "commits"),
        ("billing", "billing"),
        ("indexes/name", "index"),
        ("indexes/kind", "index"),
        ("indexes/key", "index"),
        ("indexes/projection", "index"),
        ("indexes/status", "index"),
        ("indexes/items", "index"),
        ("indexes/bytes", "index"),
        ("stream/arn", "stream"),
        ("stream/view", "stream"),
        ("tags", "tags"),
        ("deletion_protection/known", "deletion protection"),
        ("point_in_time_recovery", "point-in-time recovery"),
    ],
};

const VERIFY: Form = Form {
    arguments: &["table", "verify", "letters"],
    fields: &[
        ("passed", ANYWHERE),
        ("table", ANYWHERE),
        ("resources", ANYWHERE),
        ("commits", ANYWHERE),
        ("events", ANYWHERE),
        ("read_units", "read for "),
        ("broken/id", ANYWHERE),
        ("broken/number", ANYWHERE),
        // The text has a sentence for it.
        ("broken/what/breach", NOWHERE),
        ("broken/what/expected", ANYWHERE),
        ("broken/what/follows", ANYWHERE),
        ("broken/orphans", ANYWHERE),
        ("broken/last", ANYWHERE),
        ("broken/mend", ANYWHERE),
        ("untold", NOWHERE),
    ],
};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_table_is_is_told_alike_as_text_and_as_json() {
    let place = Place::tables("kinds");
    let missing = place.both(&CHECK);
    assert_eq!(missing["findings"][0]["verdict"], "wrong");
    run(&mut place.eventctl(CREATE.arguments));
    for form in [CREATE, CHECK, DESCRIBE, VERIFY] {
        place.both(&form);
    }
    let verdicts = place.both(&CHECK);
    assert_eq!(
        verdicts["findings"][0],
        json!({ "requirement": "table", "verdict": "ok", "found": "ACTIVE", "advice": null })
    );
    run(&mut place.eventctl(&["table", "create", "marks", "--subscriptions"]));
    place.both(&Form { arguments: &["table", "check", "marks"], ..CHECK });

    let letters = place.connect().await.store().table("letter", "letters").build();
    for (number, follows) in [(1, None), (5, Some("lost"))] {
        let commit = Commit {
            resource: ResourceKey::new("letter", "1"),
            number,
            events: vec![EncodedEvent { event_type: "Written".into(), data: None }],
            at: Timestamp::from_unix_millis(1_700_000_000_000),
            id: format!("commit {number}").into(),
            follows: follows.map(Into::into),
            trace: None,
            cause: None,
            meta: None,
        };
        letters.append(&commit).await.expect("appended");
    }
    assert_eq!(place.both(&VERIFY)["broken"][0]["what"]["breach"], "lost");
}

const BACKUP: Form = Form {
    arguments: &["backup", "copy.db", "--force"],
    fields: &[
        ("file", "file"),
        ("bytes", "bytes"),
        ("layout", "layout"),
        ("resources", "resources"),
        ("events", "events"),
        ("newest_event_at", "newest event"),
        ("missing_events", "missing events"),
        ("broken_histories", "broken histories"),
    ],
};

const RESTORE: Form = Form {
    arguments: &["restore", "copy.db", "--force"],
    fields: &[
        ("file", "file"),
        ("bytes", "bytes"),
        ("layout", "layout"),
        ("resources", "resources"),
        ("events", "events"),
        ("newest_event_at", "newest event"),
        ("missing_events", "missing events"),
        ("broken_histories", "broken histories"),
        // Each has a time in its name.
        ("replaced", NOWHERE),
        // The text has it on standard error.
        ("without_log", NOWHERE),
    ],
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_is_told_alike_as_text_and_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy.db"));
    std::fs::create_dir(&data).expect("a folder");
    let file = data.join("events.db");
    let store = SqliteStore::open(&file).expect("a store");
    let place = Place { settings: Vec::new(), folder: folder.path().to_owned() };
    let mut post =
        Post { place, events: Arc::new(store.clone()), progress: Arc::new(store.clone()) }.fill().await;
    assert_eq!(post.place.both(&BACKUP)["events"], 2);
    store.close().await.expect("closed");
    // A copy without the log that was beside it.
    let store = SqliteStore::open(&file).expect("a store");
    post.progress = Arc::new(store.clone());
    post.park("letter").await;
    std::fs::copy(&file, &copy).expect("copied");
    store.close().await.expect("closed");
    let Post { place, .. } = post;
    let text = run(&mut place.eventctl(RESTORE.arguments));
    assert!(text.stdout.contains("old store  "), "{}", text.stdout);
    assert!(text.stderr.contains("eventctl: ") && text.stderr.contains("without its log"), "{}", text.stderr);
    let Said { status, stdout, stderr } = run(place.eventctl(RESTORE.arguments).arg("--json"));
    assert_eq!((status, stderr.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&stdout).expect("a document");
    assert_eq!(document["without_log"], true);
    assert!(document["replaced"].is_string());
    tells(&document, "", &text.stdout, &RESTORE);
}

/// Each command fails, or is not understood, with one line after `eventctl: ` and what helps; and the same in one object.
#[test]
fn a_failure_is_one_object_where_json_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place { settings: Vec::new(), folder: folder.path().to_owned() };
    let on_tables =
        Place { settings: vec![("DYNAMODB_TABLE", "letters".to_owned())], folder: place.folder.clone() };
    for arguments in [&["backup", "copy.db"][..], &["restore", "copy.db"]] {
        fails(&on_tables, 2, arguments);
    }
    for (status, arguments) in [
        (1, &["table", "create", "my table", "--region", "us-east-1"] as &[_]),
        (1, &["table", "check", "my table", "--region", "us-east-1"]),
        (1, &["table", "describe", "my table", "--region", "us-east-1"]),
        (1, &["table", "verify", "my table", "--region", "us-east-1"]),
        (1, &["table", "check", "products"]),
        (1, &["parked", "list"]),
        (1, &["parked", "show", "prints", "1"]),
        (1, &["parked", "retry", "prints"]),
        (1, &["parked", "skip", "prints", "1", "--number", "1", "--reason", "why"]),
        (1, &["parked", "list", "--table", "letters"]),
        (1, &["backup", "copy.db"]),
        (1, &["restore", "copy.db"]),
        (2, &[]),
        (2, &["table"]),
        (2, &["parked"]),
        (2, &["tabel"]),
        (2, &["table", "chek", "products"]),
        (2, &["table", "create"]),
        (2, &["table", "create", "products", "--tag", "team"]),
        (2, &["table", "create", "products", "--timeout", "soon"]),
        (2, &["table", "check", "products", "--endpoint-url", "localhost:8000"]),
        (2, &["table", "verify", "products", "--read-units", "0"]),
        (2, &["parked", "list", "--limit", "0"]),
        (2, &["parked", "list", "--data-dir", "data", "--table", "letters"]),
        (2, &["parked", "show", "prints"]),
        (2, &["parked", "retry", "prints", "1", "2"]),
        (2, &["parked", "skip", "prints", "1", "--number", "one", "--reason", "why"]),
        (2, &["backup"]),
        (2, &["restore"]),
        (2, &["restore", "copy.db", "another.db"]),
    ] {
        fails(&place, status, arguments);
    }
}

fn fails(place: &Place, status: i32, arguments: &[&str]) {
    let text = run(&mut place.eventctl(arguments));
    assert_eq!((text.status, text.stdout.as_str()), (status, ""), "{arguments:?}");
    let said = text.stderr.strip_prefix("eventctl: ").expect("it says who complains");
    assert!(!said.contains("error:"), "{said}");

    let Said { status: with_json, stdout, stderr } = run(place.eventctl(arguments).arg("--json"));
    assert_eq!((with_json, stdout.as_str(), stderr.lines().count()), (status, "", 1), "{stderr}");
    let failure: Value = serde_json::from_str(&stderr).expect("an object");
    let fields: Vec<_> = failure.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!((fields, &failure["status"]), (vec!["error", "help", "status"], &status.into()));
    // With a flag there is something that it is the command of.
    if !arguments.iter().all(|argument| ["table", "parked"].contains(argument)) {
        let error = failure["error"].as_str().expect("text");
        // The usage that helps names the flags that were used.
        let end = if failure["help"].is_null() { "\n" } else { "\n\n" };
        assert!(said.starts_with(&format!("{error}{end}")), "{error} is not in {said}");
        assert_eq!(failure["help"].is_string(), status == 2, "{stderr}");
    }
}
