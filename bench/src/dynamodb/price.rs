//! [`Prices`]: what AWS takes for capacity units on demand.

use aws_event_sourcing::dynamodb::Consumed;

/// US dollars for a million units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices {
    pub(crate) write_units: f64,
    pub(crate) read_units: f64,
}

/// On demand in us-east-1, <https://aws.amazon.com/dynamodb/pricing/on-demand/>, November 2026.
impl Default for Prices {
    fn default() -> Self {
        Self { write_units: 0.625, read_units: 0.125 }
    }
}

impl Prices {
    /// US dollars for doing that a million times.
    pub(crate) fn of_a_million(&self, consumed: Consumed) -> f64 {
        consumed.write_units * self.write_units + consumed.read_units * self.read_units
    }
}
