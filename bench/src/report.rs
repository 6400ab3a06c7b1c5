//! [`Report`]: the figures, as a table or as JSON.

use std::{fmt::Write as _, io::Write as _, time::Duration};

use serde::Serialize;

/// The figures in the order in which they were taken.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    floor_seconds: f64,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    figure: String,
    beside_floor: String,
    remark: String,
}

impl Report {
    pub(crate) fn set_floor(&mut self, floor: Duration) {
        self.floor_seconds = floor.as_secs_f64();
    }

    /// A time in units of the floor.
    pub(crate) fn beside_floor(&self, seconds: f64) -> String {
        format!("{:.2} × floor", seconds / self.floor_seconds)
    }

    /// A rate in units of the floor's.
    pub(crate) fn rate_beside_floor(&self, per_second: f64) -> String {
        format!("{:.2} × floor", per_second * self.floor_seconds)
    }

    /// Adds a row, and shows it at once to whoever waits.
    pub(crate) fn row(
        &mut self,
        name: &str,
        figure: impl Into<String>,
        beside_floor: impl Into<String>,
        remark: &str,
    ) {
        let row = Row {
            name: name.to_owned(),
            figure: figure.into(),
            beside_floor: beside_floor.into(),
            remark: remark.to_owned(),
        };
        complain(&format!("{}: {} ({}) {}", row.name, row.figure, row.beside_floor, row.remark));
        self.rows.push(row);
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::from("| what | figure | beside the floor | |\n|---|---:|---:|---|\n");
        for Row { name, figure, beside_floor, remark } in &self.rows {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "| {name} | {figure} | {beside_floor} | {remark} |");
        }
        table
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers have JSON") + "\n"
    }
}

/// The value in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints a result.
pub(crate) fn print(text: &str) {
    // Nobody listening is no reason to fail.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Tells the person in front of the terminal how far it is.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
