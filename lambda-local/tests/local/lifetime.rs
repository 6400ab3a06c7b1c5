//! A function's processes live as long as their owner wants them to, and not a moment longer than their owner lives.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::common::{function, invoke, processes, root};
use lambda_local::Failure;
use serde_json::json;

/// Set when a test runs once more, in a process of its own, to own a function.
const OWNER: &str = "LAMBDA_LOCAL_TEST_OWNER";

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_function_that_is_dropped() {
    let function = function().build().expect("a function");
    let root = root(&function).await;
    assert!(processes(&root).len() >= 2, "the emulator and the program: {:?}", processes(&root));
    // One that has ended leaves its place to another.
    invoke(&function, json!({"exit": 1})).await.expect_err("it ends");
    invoke(&function, json!(1)).await.expect("an answer");
    drop(function);
    assert_eq!(processes(&root), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_stopped_while_it_is_called() {
    let function = Arc::new(function().timeout(Duration::from_secs(60)).build().expect("a function"));
    let root = root(&function).await;
    let call = tokio::spawn({
        let function = Arc::clone(&function);
        async move { invoke(&function, json!({"sleep": 60_000})).await }
    });
    let has_begun = || function.log().lines().iter().filter(|line| line.starts_with("START")).count() == 2;
    while !has_begun() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    function.stop();
    assert_eq!(processes(&root), [""; 0]);
    let failure = call.await.expect("no panic").expect_err("it was stopped");
    assert!(matches!(failure, Failure::NotCalled(_)), "{failure}");
    assert!(invoke(&function, json!(1)).await.is_err());
    assert_eq!(function.instances(), 0);
}

/// What the owner does: it says where its function is, and lives until it is told otherwise.
async fn own() {
    let function = function().build().expect("a function");
    writeln!(io::stdout().lock(), "\nroot {}", root(&function).await).expect("a pipe");
    io::stdin().lock().read_line(&mut String::new()).expect("a pipe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_ends_with_an_owner_that_is_killed() {
    if env::var_os(OWNER).is_some() {
        return own().await;
    }
    let mut program = Command::new(env::current_exe().expect("a path"));
    program
        .args(["lifetime::a_function_ends_with_an_owner_that_is_killed", "--exact", "--nocapture"])
        .env(OWNER, "");
    let mut owner = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
    let mut stdout = BufReader::new(owner.stdout.take().expect("a pipe"));
    let lines = stdout.by_ref().lines().map_while(Result::ok);
    let root = lines.into_iter().find_map(|line| line.strip_prefix("root ").map(str::to_owned));
    let root = root.expect("it says where its function is");
    assert!(processes(&root).len() >= 2, "{:?}", processes(&root));
    owner.kill().expect("our own child");
    owner.wait().expect("our own child");
    let deadline = Instant::now() + PATIENCE;
    while !processes(&root).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", processes(&root));
        thread::sleep(Duration::from_millis(20));
    }
}
