//! [`Schedule`]: what calls a function every so often.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use crate::{Error, Function, Log};

/// Calls a function at an interval, with the same input each time. Dropping it ends that; a call that is under way is
/// left to the function.
#[derive(Debug)]
pub struct Schedule {
    calling: JoinHandle<()>,
}

impl Schedule {
    /// Begins to call it, for the first time after one interval. What would begin while the call before it is under way is
    /// left out, while AWS would call another process. `log` gets a line for each call that has failed.
    #[must_use]
    pub fn start(function: Arc<Function>, every: Duration, input: impl Into<Bytes>, log: Log) -> Self {
        let input = input.into();
        let calling = tokio::spawn(async move {
            let mut interval = tokio::time::interval(every.max(Duration::from_millis(1)));
            interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
            // The first tick comes at once.
            interval.tick().await;
            loop {
                interval.tick().await;
                if let Err(failure) = function.invoke(input.clone()).await {
                    log.write(format!("a call has failed: {failure}"));
                }
            }
        });
        Self { calling }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.calling.abort();
    }
}

/// How often `rate(1 minute)` and its like mean.
pub(crate) fn interval(expression: &str) -> Result<Duration, Error> {
    let unsuitable = || Error::Unsuitable {
        of: expression.to_owned(),
        why: "only schedules like `rate(5 minutes)` are understood here".to_owned(),
    };
    let rate =
        expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unsuitable)?;
    let (number, unit) = rate.split_once(' ').ok_or_else(unsuitable)?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return Err(unsuitable()),
    };
    let number: u64 = number.parse().map_err(|_| unsuitable())?;
    Ok(Duration::from_secs(number * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_understood() {
        let seconds = |text| interval(text).map(|interval| interval.as_secs());
        assert_eq!(seconds("rate(1 minute)").expect("a rate"), 60);
        assert_eq!(seconds("rate(2 hours)").expect("a rate"), 7_200);
        for text in ["cron(0 * * * ? *)", "rate(1)", "rate(x minutes)", "rate(1 week)"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
