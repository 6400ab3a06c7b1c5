//! A function is called as Lambda calls it.

use std::{sync::Arc, time::Duration};

use super::common::{function, invoke};
use futures_util::future::join_all;
use lambda_local::{Error, Failure};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_and_has_the_environment_that_it_is_given() {
    let function =
        function().name("things").memory(512).env("COLOUR", "green = blue").build().expect("a function");
    assert_eq!(invoke(&function, json!({"a": [1, "é"]})).await.expect("an answer"), json!({"a": [1, "é"]}));
    let environment = invoke(&function, json!({"environment": true})).await.expect("an answer");
    for (name, value) in [
        ("COLOUR", "green = blue"),
        ("AWS_LAMBDA_FUNCTION_NAME", "things"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_REGION", "us-east-1"),
        ("_HANDLER", "bootstrap"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert!(environment["AWS_LAMBDA_RUNTIME_API"].is_string());
    for name in ["HOME", "CARGO", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_LOCAL_RUNTIME_API"] {
        assert!(environment.get(name).is_none(), "{name} is not the function's");
    }
    assert_eq!(function.instances(), 1, "one call after the other needs one process");
    let log = function.log().lines().join("\n");
    assert!(log.contains("REPORT RequestId"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_exits_and_calls_that_take_too_long_are_failures_and_the_next_call_is_answered() {
    let function = function().timeout(Duration::from_secs(1)).build().expect("a function");
    let failure = |event: Value| async { invoke(&function, event).await.expect_err("a failure") };
    assert_eq!(failure(json!({"fail": "on purpose"})).await.to_string(), "Told: on purpose");
    let ended = failure(json!({"exit": 3})).await;
    assert!(matches!(&ended, Failure::Function { kind, .. } if kind == "Runtime.ExitError"), "{ended}");
    assert_eq!(invoke(&function, json!(1)).await.expect("an answer"), 1);
    let late = failure(json!({"sleep": 60_000})).await;
    assert!(matches!(late, Failure::TimedOut(_)), "{late}");
    assert_eq!(invoke(&function, json!(2)).await.expect("an answer"), 2);
    assert_eq!(function.instances(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_handed_over_than_lambda_takes() {
    let function = function().build().expect("a function");
    let large = |bytes| json!("x".repeat(bytes));
    assert_eq!(invoke(&function, large(6_000_000)).await.expect("an answer"), large(6_000_000));
    let failure = invoke(&function, large(6 << 20 | 1 << 10)).await.expect_err("a failure");
    assert!(matches!(failure, Failure::TooLarge(_)), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_have_a_process_each_up_to_a_bound_and_the_others_wait() {
    let function = function().instances(3).build().expect("a function");
    let calls = (0..10).map(|number| invoke(&function, json!({"sleep": 100, "number": number})));
    for (number, answer) in join_all(calls).await.into_iter().enumerate() {
        assert_eq!(answer.expect("an answer")["number"], number);
    }
    assert_eq!(function.instances(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_stands_by_has_a_process_from_its_first_call_on() {
    let function = function().build().expect("a function");
    function.stand_by().await.expect("an emulator");
    assert_eq!(function.instances(), 1);
    assert_eq!(function.processes().expect("Linux"), [0_u32; 0]);
    let request = json!({"requestContext": {}});
    let answer = invoke(&function, request).await.expect("an answer");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("text")).expect("JSON");
    let processes = function.processes().expect("Linux");
    assert_eq!(json!(processes), json!([body["process"]]));
    assert_eq!(function.instances(), 1, "the call was made where it stood by");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_carried_out_to_its_end_when_nobody_waits_for_it_any_more() {
    let function = Arc::new(function().instances(1).build().expect("a function"));
    invoke(&function, json!(0)).await.expect("an answer");
    let process = function.processes().expect("Linux");
    let impatient = invoke(&function, json!({"sleep": 500}));
    let given_up = tokio::time::timeout(Duration::from_millis(50), impatient).await;
    assert!(given_up.is_err(), "it takes longer");
    assert_eq!(invoke(&function, json!(1)).await.expect("it was not disturbed"), 1);
    assert_eq!(function.processes().expect("Linux"), process, "nobody has killed it");
    let log = function.log().lines();
    assert_eq!(log.iter().filter(|line| line.contains("REPORT RequestId")).count(), 3, "{log:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_begins_a_trace_of_its_own() {
    let function = function().build().expect("a function");
    let mut traces = std::collections::HashSet::new();
    for _ in 0..2 {
        let answer = invoke(&function, json!({"requestContext": {}})).await.expect("an answer");
        let body: Value = serde_json::from_str(answer["body"].as_str().expect("text")).expect("JSON");
        let trace = body["trace"].as_str().expect("a trace");
        assert!(trace.starts_with("Root=1-") && trace.contains(";Parent="), "{trace}");
        assert!(traces.insert(trace.to_owned()), "{trace}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_what_its_runtime_api_refuses() {
    let function = function().build().expect("a function");
    let status = invoke(&function, json!({"ask": "/2018-06-01/nowhere"})).await.expect("an answer");
    assert_eq!(status, "HTTP/1.1 404 Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_start_fails_each_call() {
    let function = lambda_local::Function::builder("/bin/false").build().expect("a function");
    for _ in 0..2 {
        let failure = invoke(&function, json!(1)).await.expect_err("it ends at once");
        assert!(
            matches!(&failure, Failure::Function { kind, .. } if kind == "Runtime.ExitError"),
            "{failure}"
        );
    }
    assert_eq!(function.instances(), 1);
    let log = function.log().lines().join("\n");
    assert!(log.contains("Runtime.ExitError"), "{log}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = lambda_local::Function::builder("/no/such/program").build().expect_err("there is none");
    assert!(matches!(&error, Error::NoProgram(path) if path == "/no/such/program"), "{error}");
}
