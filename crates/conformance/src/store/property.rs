//! A property that holds for whatever is made up, or the smallest counterexample.

use std::{fmt::Debug, panic::resume_unwind};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};

/// Fails with the smallest of what is made up that the property does not hold for. The property may block.
pub(super) async fn holds<S>(
    what: &'static str,
    cases: u32,
    strategy: impl FnOnce() -> S + Send + 'static,
    property: impl Fn(&S::Value) -> Result<(), String> + Send + 'static,
) where
    S: Strategy<Value: Debug>,
{
    // The runner of the property test, and with it the shrinking, is not asynchronous.
    let outcome = tokio::task::spawn_blocking(move || {
        let config =
            Config { cases, failure_persistence: None, max_shrink_iters: 10_000, ..Config::default() };
        let outcome = TestRunner::new(config)
            .run(&strategy(), |made_up| property(&made_up).map_err(TestCaseError::fail));
        match outcome {
            Ok(()) => None,
            Err(TestError::Fail(why, made_up)) => {
                Some(format!("{why}, as the smallest {what} shows: {made_up:#?}"))
            }
            Err(TestError::Abort(why)) => Some(format!("no {what} could be made up: {why}")),
        }
    });
    if let Some(counterexample) = outcome.await.unwrap_or_else(|error| resume_unwind(error.into_panic())) {
        panic!("{counterexample}");
    }
}
