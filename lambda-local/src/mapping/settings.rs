//! [`Settings`]: how a stream is handed over.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::Backoff;
use crate::Error;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the oldest change that the stream has.
    #[default]
    TrimHorizon,
    /// With the next change.
    Latest,
}

/// How a stream is handed over. Lambda's defaults, which retry for ever, unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where reading begins.
    pub start: Start,
    /// How many records are handed over at once, at most.
    pub batch_size: usize,
    /// How long to wait for a batch to fill.
    pub window: Duration,
    /// Whether the function's answers say which records have failed: `ReportBatchItemFailures`.
    pub reports_failures: bool,
    /// Whether a batch that has failed is split.
    pub bisects: bool,
    /// How often a batch is tried again; without it, for ever.
    pub retries: Option<u32>,
    /// How old a record may be to be handed over; without it, as old as the stream keeps it.
    pub record_age: Option<Duration>,
    /// How long a batch that has failed waits.
    pub backoff: Backoff,
    /// The folder that gets what is given up, as an S3 bucket would. Without it, it is lost.
    pub unhandled: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: Start::default(),
            batch_size: 100,
            window: Duration::ZERO,
            reports_failures: false,
            bisects: false,
            retries: None,
            record_age: None,
            backoff: Backoff::default(),
            unhandled: None,
        }
    }
}

impl Settings {
    /// What a template says, with parameters at their defaults. Where unhandled batches go is not part of it.
    ///
    /// # Errors
    ///
    /// When it says something that is not done here.
    pub fn of(mapping: &deployment::Mapping<'_>) -> Result<Self, Error> {
        let property = Properties(mapping);
        for (name, only) in [("ParallelizationFactor", Some(1)), ("TumblingWindowInSeconds", Some(0))] {
            if property.number(name)?.is_some_and(|number| Some(number) != only) {
                return Err(property.strange(name));
            }
        }
        if mapping.property("FilterCriteria").is_some() {
            return Err(property.strange("FilterCriteria"));
        }
        let start = match mapping.property("StartingPosition").as_ref().and_then(Value::as_str) {
            Some("TRIM_HORIZON") => Start::TrimHorizon,
            Some("LATEST") => Start::Latest,
            _ => return Err(property.strange("StartingPosition")),
        };
        let reports_failures = match mapping.property("FunctionResponseTypes") {
            None => false,
            Some(Value::Array(types)) if types == ["ReportBatchItemFailures"] => true,
            Some(_) => return Err(property.strange("FunctionResponseTypes")),
        };
        let seconds = |number: u64| Duration::from_secs(number);
        let default = Self::default();
        let batch_size = property.number("BatchSize")?.and_then(|size| usize::try_from(size).ok());
        Ok(Self {
            start,
            batch_size: batch_size.unwrap_or(default.batch_size),
            window: property.number("MaximumBatchingWindowInSeconds")?.map_or(default.window, seconds),
            reports_failures,
            bisects: mapping.property("BisectBatchOnFunctionError") == Some(Value::Bool(true)),
            retries: property.number("MaximumRetryAttempts")?.and_then(|most| u32::try_from(most).ok()),
            record_age: property.number("MaximumRecordAgeInSeconds")?.map(seconds),
            ..default
        })
    }
}

struct Properties<'m>(&'m deployment::Mapping<'m>);

impl Properties<'_> {
    /// A number that is said, and not -1, which says that there is no bound.
    fn number(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.0.property(name) {
            None => Ok(None),
            Some(number) if number == -1 => Ok(None),
            Some(number) => number.as_u64().map(Some).ok_or_else(|| self.strange(name)),
        }
    }

    fn strange(&self, name: &str) -> Error {
        let value = self.0.property(name).unwrap_or_default();
        Error::Unsuitable {
            of: self.0.id().to_owned(),
            why: format!("{name} is {value}, which is not done here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use deployment::{Template, example};

    use super::*;

    #[test]
    fn the_mappings_of_the_examples_are_understood() {
        for name in ["shopping", "deploys"] {
            let template = Template::read(example(name).join("template.yaml")).expect("a template");
            for mapping in template.mappings() {
                let settings = Settings::of(&mapping).expect("settings");
                let expected = Settings {
                    batch_size: 100,
                    reports_failures: true,
                    bisects: true,
                    retries: Some(1000),
                    record_age: Some(Duration::from_secs(43_200)),
                    ..Settings::default()
                };
                assert_eq!(settings, expected, "{name}");
            }
        }
    }

    #[test]
    fn what_is_not_done_here_is_refused() {
        for (property, complaint) in [
            ("ParallelizationFactor: 2", "ParallelizationFactor is 2"),
            ("StartingPosition: AT_TIMESTAMP", "StartingPosition"),
            ("FilterCriteria: {Filters: []}", "FilterCriteria"),
            ("FunctionResponseTypes: [Other]", "FunctionResponseTypes"),
            ("BatchSize: many", "BatchSize is \"many\""),
        ] {
            let start =
                if property.starts_with("StartingPosition") { "" } else { "StartingPosition: LATEST" };
            let text = format!(
                "Resources:\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      {property}\n      {start}\n"
            );
            let template = Template::from_yaml(&text).expect("a template");
            let mapping = template.mappings().next().expect("a mapping");
            let error = Settings::of(&mapping).expect_err(property);
            assert!(error.to_string().contains(complaint), "{error}");
        }
    }
}
