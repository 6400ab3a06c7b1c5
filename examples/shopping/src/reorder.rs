//! A reorder: it is requested, and delivered.

use aws_event_sourcing::{
    Aggregate, Event, Repository, ResourceId,
    http::{Path, Problem, Representation, WithTerms as _, WriteTerms, resource_routes},
};
use axum::{Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};

use self::ReorderEvent::{ReorderDelivered, ReorderRequested};

/// What can happen to a reorder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum ReorderEvent {
    ReorderRequested { product: ResourceId, amount: u32 },
    ReorderDelivered,
}

/// What its events add up to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Reorder {
    status: Status,
    pub(crate) product: String,
    pub(crate) amount: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    #[default]
    Requested,
    Delivered,
}

/// Why something may not happen.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum ReorderError {
    #[error("requested already")]
    Requested,
    #[error("nothing was requested")]
    NotRequested,
    #[error("delivered already")]
    Delivered,
}

impl Aggregate for Reorder {
    const TYPE: &'static str = "reorder";
    type Event = ReorderEvent;
    type Error = ReorderError;

    fn validate(&self, event: &ReorderEvent) -> Result<(), ReorderError> {
        let is_requested = !self.product.is_empty();
        match event {
            ReorderRequested { .. } if is_requested => Err(ReorderError::Requested),
            ReorderDelivered if !is_requested => Err(ReorderError::NotRequested),
            ReorderDelivered if self.status == Status::Delivered => Err(ReorderError::Delivered),
            _ => Ok(()),
        }
    }

    fn apply(&mut self, event: &ReorderEvent) {
        match event {
            ReorderRequested { product, amount } => {
                self.product = product.to_string();
                self.amount = *amount;
            }
            ReorderDelivered => self.status = Status::Delivered,
        }
    }
}

/// The API: reorders are requested by the shop itself, and delivered by others.
pub(crate) fn api(reorders: Repository<Reorder>) -> Router {
    let commands = Router::new().route("/{id}/deliver", post(deliver)).with_state(reorders.clone());
    Router::new().nest("/reorders", resource_routes(reorders).merge(commands))
}

async fn deliver(
    State(reorders): State<Repository<Reorder>>,
    Path(id): Path<ResourceId>,
    terms: WriteTerms,
) -> Result<Representation<Reorder>, Problem> {
    Ok(Representation(reorders.commit(id, ReorderDelivered).terms(terms)?.await?))
}

#[cfg(test)]
#[path = "reorder/tests.rs"]
mod tests;
