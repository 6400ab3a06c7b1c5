//! [`Failure`]: why a call has no answer; and what the emulator's answers mean.

use axum::body::Bytes;
use serde_json::Value;

use crate::Error;

/// Why a function has not answered a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It has answered with an error, or has ended.
    #[error("{kind}: {message}")]
    Function {
        /// What the function calls it; `Runtime.ExitError` when it has ended.
        kind: String,
        /// What happened.
        message: String,
    },
    /// It was not done in time, and was killed.
    #[error("{0}")]
    TimedOut(String),
    /// Lambda does not take so much at once: these are bytes.
    #[error("the call has {0} bytes, and Lambda takes 6 MB")]
    TooLarge(usize),
    /// It could not be called.
    #[error(transparent)]
    NotCalled(#[from] Error),
}

/// What the emulator means. Of an error that a function has answered with, it says no more than the error itself: an object
/// with `errorType` and `errorMessage`. An answer that looks the same is taken for one.
pub(super) fn understand(status: u16, body: Bytes) -> Result<Bytes, Failure> {
    match status {
        200 => {}
        // The program has ended. When it has before it could be called, the emulator says nothing about it.
        502 => return Err(error(&body).unwrap_or_else(ended)),
        _ => return Err(strange(status, &body)),
    }
    if body.starts_with(b"Task timed out after ") {
        return Err(Failure::TimedOut(text(&body)));
    }
    match error(&body) {
        Some(failure) => Err(failure),
        None => Ok(body),
    }
}

fn error(body: &[u8]) -> Option<Failure> {
    // Nearly every answer is something else, and need not be read.
    if !body.windows(b"\"errorType\"".len()).any(|window| window == b"\"errorType\"") {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let member = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
    Some(Failure::Function { kind: member("errorType")?, message: member("errorMessage")? })
}

fn ended() -> Failure {
    Failure::Function {
        kind: "Runtime.ExitError".to_owned(),
        message: "the program has ended before it was called, see the log of the function".to_owned(),
    }
}

fn strange(status: u16, body: &[u8]) -> Failure {
    Failure::NotCalled(Error::Emulator(format!("has answered with {status}: {}", text(body))))
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Bytes, Failure> {
        understand(status, Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn an_answer_is_handed_over_as_it_is() {
        for body in
            ["", "null", r#"{"batchItemFailures":[]}"#, r#"{"body":"\"errorType\" \"errorMessage\""}"#]
        {
            assert_eq!(answer(200, body).expect("an answer"), body);
        }
    }

    #[test]
    fn errors_are_told_apart() {
        let thrown = answer(200, r#"{"errorType":"Boom","errorMessage":"bad"}"#).expect_err("an error");
        assert_eq!(thrown.to_string(), "Boom: bad");
        for body in [r#"{"errorType":"Runtime.ExitError","errorMessage":"x"}"#, ""] {
            let exited = answer(502, body);
            assert!(matches!(exited, Err(Failure::Function { kind, .. }) if kind == "Runtime.ExitError"));
        }
        let late = answer(200, "Task timed out after 2.00 seconds");
        assert!(matches!(late, Err(Failure::TimedOut(_))));
        assert!(matches!(answer(400, ""), Err(Failure::NotCalled(_))));
    }
}
