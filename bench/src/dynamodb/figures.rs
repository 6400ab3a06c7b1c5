//! [`Figures`]: time, requests and units side by side, as a table or as JSON.

use std::fmt::Write as _;

use aws_event_sourcing::dynamodb::Consumed;
use serde::Serialize;

use super::price::Prices;
use crate::report::complain;

/// The figures in the order in which they were taken.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    #[serde(skip)]
    prices: Prices,
    rows: Vec<Row>,
}

/// What one call takes, on average; its time is a median. It has none where nobody waits for it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    milliseconds: Option<f64>,
    requests: f64,
    write_units: f64,
    read_units: f64,
    /// US dollars for a million of them.
    million: f64,
    remark: String,
}

impl Row {
    fn time(&self) -> String {
        self.milliseconds.map_or_else(String::new, |milliseconds| format!("{milliseconds:.2} ms"))
    }
}

impl Figures {
    pub(crate) fn new(prices: Prices) -> Self {
        Self { prices, rows: Vec::new() }
    }

    /// Adds a row: what `calls` calls consumed together, and the seconds that one took. Shows it at once.
    pub(crate) fn row(&mut self, name: &str, calls: u32, seconds: f64, consumed: Consumed, remark: &str) {
        self.add(name, calls, Some(seconds), consumed, remark);
    }

    /// Adds a row of what nobody waits for.
    pub(crate) fn cost(&mut self, name: &str, calls: u32, consumed: Consumed, remark: &str) {
        self.add(name, calls, None, consumed, remark);
    }

    fn add(&mut self, name: &str, calls: u32, seconds: Option<f64>, consumed: Consumed, remark: &str) {
        let each = |figure: f64| figure / f64::from(calls);
        let row = Row {
            name: name.to_owned(),
            milliseconds: seconds.map(|seconds| seconds * 1e3),
            requests: each(consumed.requests as f64),
            write_units: each(consumed.write_units),
            read_units: each(consumed.read_units),
            million: each(self.prices.of_a_million(consumed)),
            remark: remark.to_owned(),
        };
        let (time, Row { name, requests, write_units, read_units, .. }) = (row.time(), &row);
        complain(&format!(
            "{name}: {time} {requests:.2} requests, {write_units:.2} write units, {read_units:.2} read units {remark}"
        ));
        self.rows.push(row);
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| what | time | requests | write units | read units | a million of them on AWS | |\n\
             |---|---:|---:|---:|---:|---:|---|\n",
        );
        for row in &self.rows {
            let Row { name, requests, write_units, read_units, million, remark, .. } = row;
            let time = row.time();
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "| {name} | {time} | {requests:.2} | {write_units:.2} | {read_units:.2} | ${million:.3} | {remark} |"
            );
        }
        let Prices { write_units, read_units } = self.prices;
        let _ = writeln!(
            table,
            "\nTimes are medians on DynamoDB Local. Prices: ${write_units} for a million write units, ${read_units} for a \
             million read units; requests have no price of their own."
        );
        table
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers have JSON") + "\n"
    }
}
