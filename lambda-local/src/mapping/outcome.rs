//! [`Outcome`]: what an answer says of the batch that a function was called with.

use serde_json::Value;

/// What has become of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it was handled.
    Handled,
    /// It was handled up to this record, which the function reports as the first that was not.
    FailedFrom(usize),
    /// Nothing of it counts as handled.
    Failed,
}

/// What an answer says when failures are reported in it: the record of the lowest number that is reported was not handled,
/// and neither was any behind it. Nothing reported is a success. A report that names no record of the batch is worth
/// nothing, and then neither is the rest.
pub(super) fn reported(answer: &[u8], sequence_numbers: &[&str]) -> Outcome {
    if answer.is_empty() {
        return Outcome::Handled;
    }
    let failures = match serde_json::from_slice(answer) {
        Ok(Value::Null) => return Outcome::Handled,
        Ok(Value::Object(mut members)) => members.remove("batchItemFailures").unwrap_or_default(),
        Ok(_) | Err(_) => return Outcome::Failed,
    };
    let failures = match failures {
        Value::Null => return Outcome::Handled,
        Value::Array(failures) => failures,
        _ => return Outcome::Failed,
    };
    let place = |failure: &Value| {
        let identifier = failure.get("itemIdentifier")?.as_str()?;
        sequence_numbers.iter().position(|number| *number == identifier)
    };
    let places: Option<Vec<_>> = failures.iter().map(place).collect();
    match places.map(|places| places.into_iter().min()) {
        None => Outcome::Failed,
        Some(None) => Outcome::Handled,
        Some(Some(first)) => Outcome::FailedFrom(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answer: &str) -> Outcome {
        reported(answer.as_bytes(), &["10", "20", "30"])
    }

    #[test]
    fn nothing_reported_is_a_success() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(of(answer), Outcome::Handled, "{answer}");
        }
    }

    #[test]
    fn the_lowest_number_counts() {
        let answer = r#"{"batchItemFailures":[{"itemIdentifier":"30"},{"itemIdentifier":"20"}]}"#;
        assert_eq!(of(answer), Outcome::FailedFrom(1));
        assert_eq!(of(r#"{"batchItemFailures":[{"itemIdentifier":"10"}]}"#), Outcome::FailedFrom(0));
    }

    #[test]
    fn an_identifier_that_is_none_fails_the_whole_batch() {
        for identifier in [
            r#"{"itemIdentifier":""}"#,
            r#"{"itemIdentifier":null}"#,
            r#"{"itemIdentifier":20}"#,
            r#"{"itemIdentifier":"25"}"#,
            r#"{"identifier":"20"}"#,
            "{}",
            "\"20\"",
        ] {
            let answer = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"20"}},{identifier}]}}"#);
            assert_eq!(of(&answer), Outcome::Failed, "{answer}");
        }
    }

    #[test]
    fn an_answer_of_another_kind_fails_the_whole_batch() {
        for answer in ["true", "[]", "\"done\"", "{", r#"{"batchItemFailures":"20"}"#] {
            assert_eq!(of(answer), Outcome::Failed, "{answer}");
        }
    }
}
