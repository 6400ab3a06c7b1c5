//! A schedule calls a function again and again.

use std::{sync::Arc, time::Duration};

use super::common::function;
use lambda_local::{Log, Schedule};

#[tokio::test(flavor = "multi_thread")]
async fn it_calls_with_its_input_whatever_became_of_the_call_before() {
    let (function, log) = (Arc::new(function().build().expect("a function")), Log::default());
    let schedule =
        Schedule::start(function, Duration::from_millis(10), r#"{"fail":"on purpose"}"#, log.clone());
    while log.lines().len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(schedule);
    assert_eq!(log.lines()[2], "a call has failed: Told: on purpose");
}
