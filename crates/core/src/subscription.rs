//! Subscriptions: handlers that get every event of a resource type, each resource's in order.
//!
//! A [`Subscription`] is a name and a [`Handler`] for each resource type that it follows. A host, such as the crate
//! `service`, runs it on a [`Source`]: a store whose events can be followed, and where it is kept how far a subscription
//! is. This module is for users of subscriptions; [`Feed`] and [`ProgressStore`] are for authors of stores.
//!
//! # How events are handled
//!
//! One algorithm serves every store:
//!
//! 1. A [feed](Feed) delivers commits. They are grouped by resource; resources go side by side, up to the subscription's
//!    [concurrency](Subscription::concurrency), and each in the order of its events.
//! 2. What the subscription has handled is passed over. Where something is missing in between, it is read from the store.
//! 3. An event that cannot be handled is tried again in place, a few times. Then its resource is [parked](Parked): a
//!    marker says which event it is and why. The marker points into the history; nothing is copied.
//! 4. The later events of a parked resource wait behind the marker. Those of all others go on.
//! 5. Redrive reads the resource's events from the marker on, in order, after pauses that grow up to a bound and never end.
//!    When it has reached the head, the marker is taken away. A next attempt that is further away than the longest pause
//!    is due: it is of a clock that was ahead.
//!
//! Delivery is at least once: a process that is killed has not noted everything that it had handled. What a handler
//! commits happens once all the same: see [`Cause`].
//!
//! What is decided and what is done are apart: the modules `lane` and `redrive` decide about one resource, `part` and
//! `redriver` do it.

mod cause;
mod clock;
mod context;
mod handler;
mod parked;
mod settings;
mod standing;

mod feed;
mod progress;
mod unreadable_record;

mod follow;
mod handed;
mod held;
mod history;
mod part;
mod redriver;

#[cfg(test)]
mod histories;
mod invoke;
mod lane;
mod redrive;
mod stop;
mod window;

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::{join, join_all};

pub use self::{
    cause::Cause,
    context::Context,
    feed::{Batch, Continuity, Delivery, Feed, Hold, LeasedProgress, Part, Unread},
    follow::Source,
    handed::{Handled, Redriven},
    handler::{Failure, Handler, WithState, with_state},
    parked::{ParkedError, Skip, retry, skip},
    progress::{
        MAX_ERROR_BYTES, Parked, ParkedCursor, ParkedPage, Progress, ProgressStore, Registration, Skipped,
        Start, SubscriptionKey, Swap,
    },
    settings::Backoff,
    standing::{Standing, Trouble},
    unreadable_record::UnreadableRecord,
};
use self::{
    follow::{Follower, Slots, follow},
    invoke::Binding,
    settings::Settings,
    stop::Stop,
};
use crate::{Aggregate, Clock, SystemClock};

/// The most characters of a subscription's name.
const MAX_NAME: usize = 64;

/// A named handler of the events of one resource type, or of several.
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Recorded, subscription::{Context, Failure, Subscription}};
/// # fn example<Product: Aggregate>() where Product::Event: std::fmt::Debug {
/// let log = Subscription::new("log").on::<Product>(
///     |event: Recorded<Product::Event>, context: Context| async move {
///         println!("{:?} at attempt {}", event.event, context.attempt());
///         Ok::<_, Failure>(())
///     },
/// );
/// # }
/// ```
///
/// # The name
///
/// Where a subscription is, is kept under its name. One with another name is another subscription, and begins with its
/// own [start](Self::start); the one with the old name stays where it was, and goes on from there when it comes back.
///
/// A type may be added or taken away at any time. Each has a place of its own, which stays. Add further types behind the
/// first: the [cause](Context::cause) of its events is the one without a type.
#[must_use = "a subscription does nothing before it runs"]
pub struct Subscription {
    name: Arc<str>,
    bindings: Vec<Binding>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    standing: Standing,
}

impl Subscription {
    /// A subscription without a handler yet.
    ///
    /// # Panics
    ///
    /// When the name is not 1 to 64 of the letters `a` to `z` and `A` to `Z`, digits, `-`, `_` and `.`.
    pub fn new(name: &str) -> Self {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        assert!(
            (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed),
            "{name:?} is no name for a subscription: it has to be 1 to {MAX_NAME} letters, digits, `-`, `_` and `.`"
        );
        Self {
            name: name.into(),
            bindings: Vec::new(),
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
            standing: Standing::default(),
        }
    }

    /// Has the events of `A` handled.
    ///
    /// # Panics
    ///
    /// When the type has a handler already, or is not the first and has a `/` in its name.
    pub fn on<A: Aggregate>(mut self, handler: impl Handler<A::Event>) -> Self {
        let name = &self.name;
        assert!(
            self.resource_types().all(|other| other != A::TYPE),
            "the subscription {name:?} has a handler for {:?} already",
            A::TYPE
        );
        let origin = match self.bindings.len() {
            0 => self.name.to_string(),
            _ => {
                assert!(
                    !A::TYPE.contains('/'),
                    "{:?} has a `/` in its name: make it the first type of {name:?}",
                    A::TYPE
                );
                format!("{}:{}", self.name, A::TYPE)
            }
        };
        self.bindings.push(Binding::new::<A>(&self.name, origin.into(), handler));
        self
    }

    /// How many events may be handled at the same time, each of another resource: 64 unless set. 0 counts as 1. All of
    /// them run in one task, so a handler that computes for long should do so on a thread of its own. Events of parked
    /// resources take up a quarter of the places at the most.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.settings.concurrency = concurrency.max(1);
        self
    }

    /// How often an event is tried in place before its resource is parked, and the pauses in between: 3 times, after 100
    /// ms and 200 ms at the most, unless set. 0 counts as 1.
    pub fn attempts(mut self, attempts: u32, backoff: Backoff) -> Self {
        self.settings.attempts = attempts.max(1);
        self.settings.backoff = backoff;
        self
    }

    /// The pauses between attempts at a parked resource: from 1 second to 5 minutes, unless set.
    pub fn redrive(mut self, backoff: Backoff) -> Self {
        self.settings.redrive = backoff;
        self
    }

    /// How long a handler may take over an event: 30 seconds unless set. Then it counts as failed, and is dropped at the
    /// `await` that it is at.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// What to begin with when it runs for the first time: the first event that there is, unless set.
    pub fn start(mut self, start: Start) -> Self {
        self.settings.start = start;
        self
    }

    /// Where the times of its markers come from, and with them when a parked resource is due. It may be set
    /// at any time, back as well.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it fares, to be looked at while it [runs](Self::run).
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// What it begins with when it runs for the first time.
    #[must_use]
    pub fn starts_with(&self) -> Start {
        self.settings.start
    }

    /// The resource types that it follows, in the order in which they were added.
    pub fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.bindings.iter().map(|binding| &*binding.key.resource_type)
    }

    /// Whether it follows that type.
    #[must_use]
    pub fn follows(&self, resource_type: &str) -> bool {
        self.binding(resource_type).is_some()
    }

    /// Handles events, those of the past that it has not handled and then those that happen, until `stop` is there. Then
    /// it takes no more, finishes those that are being handled, and notes how far it is.
    ///
    /// Errors of the store are logged, and what failed is begun anew, for as long as it takes. May be dropped at any time,
    /// as if the process had been killed.
    pub async fn run(self, source_of: impl Fn(&str) -> Source, stop: impl Future<Output = ()>) {
        let Self { bindings, settings, clock, standing, .. } = self;
        let _run = standing.run();
        let slots = Arc::new(Slots::new(settings.concurrency));
        let (sender, told) = Stop::new();
        let followers = bindings.into_iter().map(|binding| {
            let source = source_of(&binding.key.resource_type);
            let (slots, clock, stop) = (slots.clone(), clock.clone(), told.clone());
            let standing = standing.clone();
            let (told, told_of) = (Default::default(), Default::default());
            follow(Follower { binding, settings, source, slots, clock, stop, standing, told, told_of })
        });
        let followed = join_all(followers);
        let stopping = async {
            stop.await;
            // An error means that nobody is left to be told.
            let _ = sender.send(true);
        };
        join(followed, stopping).await;
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, bindings, settings, .. } = self;
        f.debug_struct("Subscription")
            .field("name", name)
            .field("bindings", bindings)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}
