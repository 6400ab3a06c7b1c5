//! [`Lambda`]: a service as a function on AWS Lambda, which is called with one event after the other. What an event is shows in
//! its shape, and each kind has a module that hands it to whatever handles it.

mod event;
mod invocation;

mod http;
mod past;
mod ping;
mod queue;
mod redrive;
mod registrations;
mod schedule;
mod stream;
mod topic;

mod bus_event;
mod handlers;
mod message;
mod request_context;

mod error;
mod hand_over;
mod in_span;
mod xray;

use std::{sync::Arc, time::Duration};

use aws_event_sourcing_core::subscription::Subscription;
use aws_event_sourcing_dynamodb::StreamRecord;
use axum::Router;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tower::layer::layer_fn;

pub use self::{bus_event::BusEvent, message::Message, request_context::RequestContext};
use self::{error::InvocationError, event::Kind, in_span::InSpan, invocation::Invocation};
pub(crate) use self::{handlers::Handlers, http::fit, registrations::Registrations};
use crate::{
    Error,
    base_path::BasePath,
    logging::{Log, WaitFor},
    stores::Stores,
};

/// How long an answer waits, at the most, for the lines of its invocation to be written.
const LOG_TIME: Duration = Duration::from_millis(100);

/// What a function is made of.
#[derive(Debug)]
pub(crate) struct Lambda {
    /// The name of the service.
    pub(crate) name: String,
    pub(crate) log: Log,
    /// Hardened, and with answers that [fit](fit()).
    pub(crate) api: Router,
    /// Where clients find the API, if it is said.
    pub(crate) base_path: Option<BasePath>,
    pub(crate) stores: Stores,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) registrations: Registrations,
    pub(crate) handlers: Handlers,
}

impl Lambda {
    /// Takes one invocation after the other, until the process is ended.
    pub(crate) async fn run(self) -> Result<(), Error> {
        self.stores.connect_ahead();
        self.log.wait_for(WaitFor::Errors);
        let lambda = Arc::new(self);
        let function = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let lambda = lambda.clone();
            async move {
                let answer = lambda.answer(&event.payload, &Invocation::of(&event.context)).await;
                // Once Lambda has the answer, the process stands still: what is not written by then is written by the next
                // invocation, or never.
                lambda.log.drain(LOG_TIME);
                answer
            }
        });
        Runtime::new(function).layer(layer_fn(InSpan)).run().await.map_err(Error::Lambda)
    }

    /// The type of the resources whose events are in the table of that record, if a subscription follows it.
    fn resource_type_of(&self, record: &StreamRecord) -> Option<&str> {
        let mut types = self.subscriptions.iter().flat_map(Subscription::resource_types);
        types.find(|resource_type| {
            self.stores.table_of(resource_type).is_some_and(|table| record.is_of(table))
        })
    }

    async fn answer(
        &self,
        payload: &RawValue,
        invocation: &Invocation,
    ) -> Result<Box<RawValue>, InvocationError> {
        match Kind::of(payload)? {
            Kind::Http(format) => http::handle(self, format, payload, invocation).await,
            Kind::Stream => json(&stream::handle(self, payload, invocation).await?),
            Kind::Redrive => json(&redrive::handle(self, invocation).await?),
            Kind::Queue => json(&queue::handle(self, payload, invocation).await?),
            Kind::Topic => json(&topic::handle(self, payload, invocation).await?),
            Kind::Ping => {
                tracing::debug!(service = self.name, "kept warm");
                json(&())
            }
            Kind::Bus => json(&schedule::handle(self, payload, invocation).await?),
        }
    }
}

/// An answer as Lambda takes it.
fn json(answer: &impl Serialize) -> Result<Box<RawValue>, InvocationError> {
    to_raw_value(answer).map_err(InvocationError::Answer)
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod once;
#[cfg(test)]
mod tests;
