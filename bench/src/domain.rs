//! The resource that is measured: as small as a real one, so that what is measured is the library.

use std::convert::Infallible;

use aws_event_sourcing::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum StockEvent {
    StockTaken,
    StockAdded { amount: u32 },
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    pub(crate) quantity: u64,
}

impl Aggregate for Stock {
    const TYPE: &'static str = "stock";
    type Event = StockEvent;
    type Error = Infallible;

    fn validate(&self, _: &StockEvent) -> Result<(), Infallible> {
        Ok(())
    }

    fn apply(&mut self, event: &StockEvent) {
        match event {
            StockEvent::StockTaken => self.quantity = self.quantity.saturating_sub(1),
            StockEvent::StockAdded { amount } => self.quantity += u64::from(*amount),
        }
    }
}
