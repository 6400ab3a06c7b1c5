//! The real program against the real DynamoDB Local.

use std::{
    io::{self, Read as _, Write as _},
    process::{self, Command, Output, Stdio},
    time::{Duration, Instant},
};

use aws_event_sourcing_core::{Commit, EncodedEvent, EventStore as _, ResourceKey, Timestamp};
use aws_event_sourcing_dynamodb::DynamoDb;

/// The program, without anything of the environment of whoever runs the tests.
fn eventctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventctl"));
    // Nobody waits for the metadata of a virtual machine that this is not.
    command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true").args(arguments);
    command
}

/// The program with credentials that no other process of tests has, at DynamoDB Local.
fn local(arguments: &[&str]) -> Command {
    let mut command = eventctl(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", format!("cli{}", process::id()))
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .args(["--region", "us-east-1", "--endpoint-url", dynamodb_local::url()]);
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

/// The one line that says what went wrong.
fn failure(command: &mut Command) -> String {
    let Said { status, stdout, stderr } = run(command);
    assert_eq!((status, stdout.as_str()), (1, ""), "{stderr}");
    let line = stderr.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "{stderr}");
    line.strip_prefix("eventctl: ").expect("it says who complains").to_owned()
}

fn json(command: &mut Command) -> serde_json::Value {
    let Said { status, stdout, stderr } = run(command.arg("--json"));
    assert_eq!(status, 0, "{stderr}");
    serde_json::from_str(&stdout).expect("JSON")
}

#[test]
fn a_table_is_made_checked_and_described() {
    let made =
        run(&mut local(&["table", "create", "products", "--tag", "team=shop", "--deletion-protection"]));
    assert_eq!(
        (made.status, made.stdout.as_str()),
        (
            0,
            "\
table                   products in us-east-1: made
kind                    events
ARN                     arn:aws:dynamodb:ddblocal:000000000000:table/products
tags                    not offered here
deletion protection     on
point-in-time recovery  not offered here
"
        ),
        "{}",
        made.stderr
    );
    assert!(made.stderr.starts_with("products: requested\n"), "{}", made.stderr);
    assert!(made.stderr.contains("products: ACTIVE after "), "{}", made.stderr);

    let again = run(&mut local(&["table", "create", "products"]));
    assert_eq!(again.status, 0, "{}", again.stderr);
    assert!(again.stdout.contains("products in us-east-1: already there\n"), "{}", again.stdout);
    assert!(again.stderr.starts_with("products: there already\n"), "{}", again.stderr);

    let checked = run(&mut local(&["table", "check", "products"]));
    assert_eq!(
        (checked.status, checked.stdout.as_str(), checked.stderr.as_str()),
        (
            0,
            "\
ok          table                   ACTIVE
ok          key                     id S, number N
ok          listing index           on shard S, at S, keys only
ok          local index             together on id S, never S
ok          stream                  NEW_IMAGE
not offered point-in-time recovery  not offered here
ok          time to live            off
ok          one region              no replicas
ok          billing                 on demand
ok          deletion protection     on

products passes as a table of events
",
            ""
        )
    );

    let described = run(&mut local(&["table", "describe", "products"]));
    assert_eq!(described.status, 0, "{}", described.stderr);
    for line in [
        "table                   products\n",
        "status                  ACTIVE\n",
        "key                     id S, number N\n",
        "commits                 0, 0 bytes (counted every six hours)\n",
        "billing                 on demand\n",
        "index                   listing: global on shard S, at S, KEYS_ONLY, ACTIVE; 0 entries, 0 bytes\n",
        "index                   together: local on id S, never S, KEYS_ONLY; 0 entries, 0 bytes\n",
        "stream                  NEW_IMAGE arn:aws:dynamodb:ddblocal:000000000000:table/products/stream/",
        "point-in-time recovery  not offered here\n",
        "deletion protection     on\n",
        "tags                    not offered here\n",
    ] {
        assert!(described.stdout.contains(line), "{line}{}", described.stdout);
    }
}

#[test]
fn a_table_of_subscriptions_is_made_checked_and_described() {
    let made = run(&mut local(&["table", "create", "subscriptions", "--subscriptions"]));
    assert_eq!(made.status, 0, "{}", made.stderr);
    assert!(
        made.stdout.starts_with("table                   subscriptions in us-east-1: made\n"),
        "{}",
        made.stdout
    );
    let again = run(&mut local(&["table", "create", "subscriptions", "--subscriptions"]));
    assert!(again.stdout.contains("already there"), "{}", again.stdout);

    for demanded in [
        &["table", "check", "subscriptions"] as &[_],
        &["table", "check", "subscriptions", "--subscriptions"],
    ] {
        let checked = run(&mut local(demanded));
        assert_eq!(
            (checked.status, checked.stdout.as_str(), checked.stderr.as_str()),
            (
                0,
                "\
ok          table                   ACTIVE
ok          key                     id S, part S
ok          parked index            on parked S, next_attempt_at S, all attributes
not offered point-in-time recovery  not offered here
ok          time to live            off
ok          one region              no replicas
ok          billing                 on demand
advice      deletion protection     off: turn it on where the subscriptions matter

subscriptions passes as a table of subscriptions
",
                ""
            )
        );
    }
    assert_eq!(json(&mut local(&["table", "check", "subscriptions"]))["kind"], "subscriptions");

    let described = run(&mut local(&["table", "describe", "subscriptions"]));
    assert_eq!(described.status, 0, "{}", described.stderr);
    for line in [
        "key                     id S, part S\n",
        "items                   0, 0 bytes (counted every six hours)\n",
        "index                   parked: global on parked S, next_attempt_at S, ALL, ACTIVE; 0 entries, 0 bytes\n",
        "stream                  off\n",
    ] {
        assert!(described.stdout.contains(line), "{line}{}", described.stdout);
    }

    // One of the other sort is not taken for it.
    run(&mut local(&["table", "create", "events-only"]));
    let checked = run(&mut local(&["table", "check", "events-only", "--subscriptions"]));
    assert_eq!(checked.status, 1);
    assert!(
        checked
            .stdout
            .contains("WRONG       key                     id S, number N: it has to be id S, part S")
    );
    let line = failure(&mut local(&["table", "create", "events-only", "--subscriptions"]));
    assert!(line.ends_with("`eventctl table check events-only --subscriptions` says what to do"), "{line}");
    let checked = run(&mut local(&["table", "check", "nowhere", "--subscriptions"]));
    assert!(
        checked.stdout.contains("`eventctl table create nowhere --subscriptions` makes it\n"),
        "{}",
        checked.stdout
    );
}

#[test]
fn programs_get_one_json_document() {
    let made = json(&mut local(&["table", "create", "as-json"]));
    assert_eq!((&made["outcome"], &made["tags"]), (&"made".into(), &"not_offered".into()));
    assert_eq!(json(&mut local(&["table", "create", "as-json"]))["outcome"], "already_there");

    let checked = json(&mut local(&["table", "check", "as-json"]));
    assert_eq!((&checked["passed"], &checked["table"]), (&true.into(), &"as-json".into()));
    let findings = checked["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 10);
    let advice = &findings[9];
    assert_eq!(
        (&advice["requirement"], &advice["verdict"]),
        (&"deletion_protection".into(), &"advice".into())
    );

    // The flag may stand before the command too.
    let described = json(&mut local(&["table", "describe", "as-json"]));
    let before = run(&mut local(&["--json", "table", "describe", "as-json"]));
    assert_eq!(described, serde_json::from_str::<serde_json::Value>(&before.stdout).unwrap());
    assert_eq!((&described["items"], &described["billing"]), (&0.into(), &"on_demand".into()));
    assert_eq!(described["stream"]["view"], "NEW_IMAGE");
}

#[test]
fn a_table_that_is_not_there_falls_short() {
    let checked = run(&mut local(&["table", "check", "nowhere"]));
    assert_eq!((checked.status, checked.stderr.as_str()), (1, ""));
    assert!(
        checked.stdout.starts_with("WRONG       table                   there is none in us-east-1 (http://")
    );
    assert!(checked.stdout.ends_with(
        "`eventctl table create nowhere` makes it\n\nnowhere falls short as a table of events: 1 WRONG\n"
    ));

    let checked = run(&mut local(&["table", "check", "nowhere", "--json"]));
    assert_eq!(checked.status, 1);
    let document: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(document["passed"], false);

    let line = failure(&mut local(&["table", "describe", "nowhere"]));
    assert!(line.ends_with("; `eventctl table create nowhere` makes it"), "{line}");
}

#[test]
fn a_bad_name_is_refused_with_the_rule() {
    for verb in ["create", "check", "describe"] {
        assert_eq!(
            failure(&mut local(&["table", verb, "my table"])),
            "\"my table\" is no name for a table: it has to be 3 to 255 of the letters a to z and A to Z, digits, `_`, `-` \
             and `.`"
        );
    }
}

#[test]
fn without_region_or_credentials_it_says_what_to_set() {
    let line = failure(eventctl(&["table", "check", "products"]).env("HOME", "/nonexistent"));
    assert!(line.starts_with("no AWS region is set"), "{line}");
    assert!(line.contains("AWS_REGION"), "{line}");

    let mut command = eventctl(&["table", "check", "products", "--endpoint-url", dynamodb_local::url()]);
    let line = failure(command.env("HOME", "/nonexistent").env("AWS_REGION", "eu-west-1"));
    assert!(line.contains("no AWS credentials") && line.contains("AWS_PROFILE"), "{line}");
}

#[test]
fn a_flag_goes_before_the_variable() {
    let mut command = local(&["table", "describe", "nowhere"]);
    command.env("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1").env("AWS_REGION", "eu-west-1");
    let line = failure(&mut command);
    let place = format!("there is no such table in us-east-1 ({}", dynamodb_local::url());
    assert!(line.contains(&place), "{line}");
}

#[test]
fn a_profile_goes_before_keys_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("credentials");
    let key = format!("profile{}", process::id());
    let profile = format!("[other]\naws_access_key_id = {key}\naws_secret_access_key = secret\n");
    std::fs::write(&credentials, profile).unwrap();
    let with_profile = |name: &str, arguments: &[&str]| {
        let mut command = local(arguments);
        command.env("AWS_SHARED_CREDENTIALS_FILE", &credentials).args(["--profile", name]);
        command
    };

    assert_eq!(run(&mut with_profile("other", &["table", "create", "profiled"])).status, 0);
    assert_eq!(run(&mut with_profile("other", &["table", "check", "profiled"])).status, 0);
    assert!(failure(&mut local(&["table", "describe", "profiled"])).contains("there is no such table"));
    let line = failure(&mut with_profile("unheard-of", &["table", "describe", "profiled"]));
    assert!(line.contains(r#"no AWS credentials in the profile "unheard-of""#), "{line}");
}

/// Appends commits of one event to a table that `eventctl` has made: each a resource, a number, and what it follows.
async fn append(table: &str, commits: &[(&str, u64, Option<&str>)]) {
    let connect =
        DynamoDb::builder().access_key(format!("cli{}", process::id()), "secret").region("us-east-1");
    let dynamodb = connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection");
    let store = dynamodb.store().table("product", table).build();
    for (id, number, follows) in commits {
        let commit = Commit {
            resource: ResourceKey::new("product", *id),
            number: *number,
            events: vec![EncodedEvent { event_type: "ProductReserved".into(), data: None }],
            at: Timestamp::from_unix_millis(1_700_000_000_000),
            id: format!("{id}-{number}").into(),
            follows: follows.map(Into::into),
            trace: None,
            cause: None,
            meta: None,
        };
        store.append(&commit).await.expect("appended");
    }
}

#[tokio::test]
async fn histories_that_are_not_whole_are_found_and_it_is_said_what_mends_them() {
    assert_eq!(run(&mut local(&["table", "create", "rolled-back"])).status, 0);
    let whole = [("whole", 1, None), ("whole", 2, Some("whole-1")), ("old", 1, None), ("old", 2, None)];
    append("rolled-back", &whole).await;
    let said = run(&mut local(&["table", "verify", "rolled-back"]));
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(said.stdout.starts_with("4 events in 4 commits of 2 resources\nread for "), "{}", said.stdout);
    assert!(said.stdout.ends_with(" read units\n\nrolled-back is whole\n"), "{}", said.stdout);
    assert!(said.stderr.starts_with("rolled-back: about "), "{}", said.stderr);
    assert!(said.stderr.ends_with(" at 1000 a second\n"), "{}", said.stderr);

    // Two that went on behind what was rolled back, one of them when others had come as far; and one with a hole.
    append("rolled-back", &[("lost", 1, None), ("lost", 2, Some("lost-1")), ("lost", 5, Some("lost-4"))])
        .await;
    append("rolled-back", &[("lost", 6, Some("lost-5"))]).await;
    append("rolled-back", &[("mixed", 1, None), ("mixed", 2, Some("other"))]).await;
    append("rolled-back", &[("hole", 1, None), ("hole", 3, None)]).await;
    let said = run(&mut local(&["table", "verify", "rolled-back", "--read-units", "100"]));
    assert_eq!(said.status, 1, "{}", said.stderr);
    for part in [
        "lost: number 5 follows the commit \"lost-4\", which is not there; number 3 is missing\n  a process wrote on while the \
         table was restored: keep what the 2 items with numbers 5 to 6 tell, delete them, ",
        "mixed: number 2 follows the commit \"other\", and not the one before it\n  a process wrote on ",
        "hole: goes on with number 3 where number 2 should be\n  take number 2 ",
        "\n12 events in 12 commits of 5 resources\n",
        " read units\n\nrolled-back has histories that are not whole\n",
    ] {
        assert!(said.stdout.contains(part), "{part} in {}", said.stdout);
    }
    let said = run(local(&["table", "verify", "rolled-back"]).arg("--json"));
    let found: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!((said.status, &found["passed"], &found["resources"]), (1, &false.into(), &5.into()));
    let mut broken = found["broken"].as_array().expect("a list").clone();
    broken.sort_by_key(|broken| broken["id"].to_string());
    assert_eq!(broken.len(), 3);
    assert_eq!(
        broken[1]["what"],
        serde_json::json!({ "breach": "lost", "expected": 3, "follows": "lost-4" })
    );
    assert_eq!((&broken[1]["number"], &broken[1]["orphans"]), (&"5".into(), &2.into()));

    assert_eq!(run(&mut local(&["table", "create", "no-events", "--subscriptions"])).status, 0);
    let line = failure(&mut local(&["table", "verify", "no-events"]));
    assert_eq!(line, "table no-events is one of subscriptions, and has no events");
    let line = failure(&mut local(&["table", "verify", "nowhere"]));
    assert!(line.contains("there is no such table in us-east-1"), "{line}");
}

#[test]
fn a_service_that_is_not_there_is_told_of_soon() {
    let since = Instant::now();
    let mut command = eventctl(&["table", "create", "products", "--region", "us-east-1"]);
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
    let line = failure(command.env("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1"));
    assert!(line.contains("no answer from us-east-1 (http://127.0.0.1:1/) within 5s"), "{line}");
    assert!(line.contains("refused"), "{line}");
    assert!(since.elapsed() < Duration::from_secs(9), "{:?}", since.elapsed());
}

#[test]
fn what_is_not_understood_is_told_with_the_usage() {
    for (arguments, message) in [
        (&["table", "chek", "products"] as &[_], "a similar subcommand exists: 'check'"),
        (&["table", "create"], "<NAME>"),
        (&["table", "create", "products", "--tag", "team"], "a tag is KEY=VALUE"),
        (&["table", "create", "products", "--tag", "=shop"], "a tag is KEY=VALUE"),
        (
            &["table", "check", "products", "--endpoint-url", "localhost:8000"],
            "a URL begins with http:// or https://",
        ),
    ] {
        let said = run(&mut eventctl(arguments));
        assert_eq!((said.status, said.stdout.as_str()), (2, ""));
        assert!(said.stderr.contains(message), "{}", said.stderr);
    }
}

#[test]
fn every_level_has_help_with_examples() {
    for arguments in [
        &[] as &[_],
        &["table"],
        &["table", "create"],
        &["table", "check"],
        &["table", "describe"],
        &["table", "verify"],
    ] {
        for flag in ["-h", "--help"] {
            let said = run(eventctl(arguments).arg(flag));
            assert_eq!((said.status, said.stderr.as_str()), (0, ""));
            let example = format!("Examples:\n  eventctl {}", arguments.join(" "));
            for text in [example.trim_end(), "--region", "--profile", "--endpoint-url", "--json"] {
                assert!(said.stdout.contains(text), "{text} in {}", said.stdout);
            }
            assert!(said.stdout.lines().all(|line| line.len() <= 120), "{}", said.stdout);
        }
    }
    let version = run(&mut eventctl(&["--version"]));
    assert_eq!(version.stdout, format!("eventctl {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&mut eventctl(&[])).status, 2);
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    local(&["table", "create", "piped"]).output().unwrap();
    let mut command = local(&["table", "check", "piped"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn a_standard_error_that_nobody_reads_keeps_no_command_from_its_end() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    let (_unread, mut full) = io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&full).expect("flags");
    fcntl_setfl(&full, flags | OFlags::NONBLOCK).expect("flags");
    while full.write(&[b'.'; 1024]).is_ok() {}
    while full.write(b".").is_ok() {}
    fcntl_setfl(&full, flags).expect("flags");
    for (arguments, status) in [(&["table", "check", "products"][..], 1), (&["no-such-noun"], 2)] {
        let stderr = full.try_clone().expect("one more end");
        let mut child = eventctl(arguments).stderr(stderr).spawn().expect("it runs");
        let begun = Instant::now();
        let ended = loop {
            match child.try_wait().expect("our own child") {
                Some(ended) => break ended,
                None if begun.elapsed() < Duration::from_secs(30) => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                None => {
                    child.kill().expect("our own child");
                    panic!("{arguments:?} waits for somebody who reads");
                }
            }
        };
        assert_eq!(ended.code(), Some(status), "{arguments:?}");
    }
}
