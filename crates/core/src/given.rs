//! [`given`]: tests of an aggregate's rules, without store, runtime or clock.

use std::fmt::Debug;

use crate::{Aggregate, codec};

/// Begins a test of an aggregate: given this history, when something is to happen, then …
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Event, given};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// # enum TapEvent { TapOpened, TapClosed }
/// # #[derive(Debug, Clone, Default, PartialEq)]
/// # struct Tap { open: bool }
/// # impl Aggregate for Tap {
/// #     const TYPE: &'static str = "tap";
/// #     type Event = TapEvent;
/// #     type Error = &'static str;
/// #     fn validate(&self, event: &TapEvent) -> Result<(), &'static str> {
/// #         if self.open == matches!(event, TapEvent::TapOpened) { Err("it is so already") } else { Ok(()) }
/// #     }
/// #     fn apply(&mut self, event: &TapEvent) { self.open = matches!(event, TapEvent::TapOpened) }
/// # }
/// # use TapEvent::{TapClosed, TapOpened};
/// given::<Tap>([]).when([TapOpened]).then_state(&Tap { open: true });
/// given::<Tap>([TapOpened]).when([TapClosed, TapOpened]).then_accepted();
/// given::<Tap>([TapOpened]).when([TapOpened]).then_rejected(&"it is so already");
/// given::<Tap>([TapOpened])
///     .decide(|tap| Ok(if tap.open { vec![TapClosed] } else { vec![] }))
///     .then_events(&[TapClosed]);
/// ```
///
/// Every event is encoded and decoded on its way, as a store would do: an event type that cannot be stored fails the
/// test.
///
/// # Panics
///
/// When an event cannot be stored.
#[track_caller]
#[must_use = "say what happens next, with `when` or `decide`"]
pub fn given<A: Aggregate>(history: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    for event in history {
        state.apply(&stored(&event));
    }
    Given { state }
}

#[track_caller]
fn stored<E: crate::Event>(event: &E) -> E {
    match codec::round_trip(event) {
        Ok(codec::RoundTrip { read, .. }) => read,
        Err(error) => panic!("{error}"),
    }
}

/// An aggregate with a history.
#[derive(Debug)]
pub struct Given<A> {
    state: A,
}

impl<A: Aggregate> Given<A> {
    /// These events are to happen, in one commit.
    ///
    /// # Panics
    ///
    /// When an event cannot be stored.
    #[track_caller]
    pub fn when(self, events: impl IntoIterator<Item = A::Event>) -> Outcome<A> {
        self.decide(|_| Ok(events))
    }

    /// What a decision on the state returns is to happen, in one commit, as in
    /// [`Repository::update`](crate::Repository::update).
    ///
    /// # Panics
    ///
    /// When an event cannot be stored.
    #[track_caller]
    pub fn decide<I>(self, decide: impl FnOnce(&A) -> Result<I, A::Error>) -> Outcome<A>
    where
        I: IntoIterator<Item = A::Event>,
    {
        let decided = decide(&self.state);
        let mut state = self.state;
        let mut events = Vec::new();
        let result = decided.and_then(|decided| {
            for event in decided {
                state.validate(&event)?;
                let read = stored(&event);
                if read != event {
                    state.validate(&read)?;
                }
                state.apply(&read);
                events.push(read);
            }
            Ok(())
        });
        Outcome { result: result.map(|()| (state, events)) }
    }
}

/// What came of it.
#[derive(Debug)]
#[must_use = "say what should have come of it"]
pub struct Outcome<A: Aggregate> {
    result: Result<(A, Vec<A::Event>), A::Error>,
}

impl<A: Aggregate> Outcome<A> {
    /// The events may happen. Gives the state that they lead to.
    ///
    /// # Panics
    ///
    /// When they may not.
    #[track_caller]
    pub fn then_accepted(self) -> A {
        self.accepted().0
    }

    /// The events may happen and lead to this state.
    ///
    /// # Panics
    ///
    /// When they may not, or lead elsewhere.
    #[track_caller]
    pub fn then_state(self, expected: &A)
    where
        A: PartialEq + Debug,
    {
        assert_eq!(&self.accepted().0, expected, "the state");
    }

    /// Exactly these events happen.
    ///
    /// # Panics
    ///
    /// When others do, or none.
    #[track_caller]
    pub fn then_events(self, expected: &[A::Event])
    where
        A::Event: PartialEq + Debug,
    {
        assert_eq!(self.accepted().1, expected, "the events");
    }

    /// The domain says no, for this reason.
    ///
    /// # Panics
    ///
    /// When it does not, or for another reason.
    #[track_caller]
    pub fn then_rejected(self, expected: &A::Error)
    where
        A::Error: PartialEq,
    {
        match self.result {
            Ok(_) => panic!("accepted, where the domain should have said: {expected}"),
            Err(error) => assert_eq!(&error, expected, "the reason"),
        }
    }

    #[track_caller]
    fn accepted(self) -> (A, Vec<A::Event>) {
        match self.result {
            Ok(accepted) => accepted,
            Err(error) => panic!("rejected: {error}"),
        }
    }
}
