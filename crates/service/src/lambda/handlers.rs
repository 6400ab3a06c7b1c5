//! [`Handlers`]: what the user has for messages and for events of EventBridge, by where these come from.

use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_event_sourcing_core::subscription::Failure;
use futures_util::future::BoxFuture;

use super::{BusEvent, Message};

/// A function of the user's.
pub(super) type Handler<T> = Arc<dyn Fn(T) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// Those of a service.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(super) queues: ByName<Message>,
    pub(super) topics: ByName<Message>,
    pub(super) schedules: ByName<BusEvent>,
    pub(super) events: ByName<BusEvent>,
}

type ByName<T> = BTreeMap<String, Handler<T>>;

impl Handlers {
    pub(crate) fn on_queue<F, R>(&mut self, name: &str, handler: F)
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        add(&mut self.queues, "queue", name_and_no_arn(name), handler);
    }

    pub(crate) fn on_topic<F, R>(&mut self, name: &str, handler: F)
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        add(&mut self.topics, "topic", name_and_no_arn(name), handler);
    }

    pub(crate) fn on_schedule<F, R>(&mut self, name: &str, handler: F)
    where
        F: Fn(BusEvent) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        add(&mut self.schedules, "schedule", name_and_no_arn(name), handler);
    }

    pub(crate) fn on_event<F, R>(&mut self, detail_type: &str, handler: F)
    where
        F: Fn(BusEvent) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        add(&mut self.events, "event", detail_type, handler);
    }

    /// What there are handlers for, such as `queue orders`.
    pub(crate) fn names(&self) -> Vec<String> {
        let Self { queues, topics, schedules, events } = self;
        let queues = queues.keys().map(|name| ("queue", name));
        let topics = topics.keys().map(|name| ("topic", name));
        let schedules = schedules.keys().map(|name| ("schedule", name));
        let events = events.keys().map(|name| ("event", name));
        let all = queues.chain(topics).chain(schedules).chain(events);
        all.map(|(kind, name)| format!("{kind} {name}")).collect()
    }
}

fn add<T: 'static, F, R>(handlers: &mut ByName<T>, kind: &str, name: &str, handler: F)
where
    F: Fn(T) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let handler: Handler<T> = Arc::new(move |item| Box::pin(handler(item)));
    let before = handlers.insert(name.to_owned(), handler);
    assert!(before.is_none(), "there is a handler for the {kind} {name:?} already");
}

fn name_and_no_arn(name: &str) -> &str {
    let is_name = !name.is_empty() && !name.contains([':', '/']);
    assert!(is_name, "{name:?} is no name: `orders`, and not its ARN or URL");
    name
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handlers").field(&self.names()).finish()
    }
}
