//! [`Figures`]: each beside its target, as a table or as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::complain;

/// The figures in the order in which they were taken.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    figure: f64,
    unit: Unit,
    /// The most that it may be, if anything was said about that.
    target: Option<f64>,
    remark: String,
}

/// What a figure is in.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) enum Unit {
    #[serde(rename = "MB")]
    Megabytes,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "×")]
    Times,
}

impl Unit {
    fn text(self, figure: f64) -> String {
        match self {
            Self::Megabytes => format!("{figure:.1} MB"),
            Self::Milliseconds => format!("{figure:.1} ms"),
            Self::Times => format!("{figure:.2} ×"),
        }
    }
}

impl Row {
    fn figure(&self) -> String {
        self.unit.text(self.figure)
    }

    fn target(&self) -> String {
        let Some(target) = self.target else { return String::new() };
        let verdict = if self.figure <= target { "reached" } else { "MISSED" };
        format!("≤ {}: {verdict}", self.unit.text(target))
    }
}

impl Figures {
    /// Adds a row, and shows it at once to whoever waits.
    pub(super) fn row(
        &mut self,
        name: &str,
        figure: f64,
        unit: Unit,
        target: Option<f64>,
        remark: impl Into<String>,
    ) {
        let row = Row { name: name.to_owned(), figure, unit, target, remark: remark.into() };
        complain(&format!("{name}: {} {} {}", row.figure(), row.target(), row.remark));
        self.rows.push(row);
    }

    pub(super) fn table(&self) -> String {
        let mut table = String::from("| what | figure | target | |\n|---|---:|---:|---|\n");
        for row in &self.rows {
            // Writing to a string cannot fail.
            let _ =
                writeln!(table, "| {} | {} | {} | {} |", row.name, row.figure(), row.target(), row.remark);
        }
        table
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers have JSON") + "\n"
    }
}
