//! [`Arrival`]: how much of a request is here, which decides whether there is something to finish when the service stops.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

/// Of the first request of a connection. hyper itself closes a connection between two requests, or within the head of the
/// next one.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrival(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// The client has sent nothing that is not read.
    is_drained: bool,
}

#[derive(Debug, Default, PartialEq)]
enum Stage {
    #[default]
    Head,
    /// The head is here, and nobody waits for more of the body: it is not wanted for the moment, or no more, or here in full.
    Handled,
    /// Somebody waits for more of the body.
    BodyWanted,
}

impl Arrival {
    /// Whether the rest of the request is what everybody waits for, and the client has not sent it.
    pub(super) fn is_awaited(&self) -> bool {
        let state = self.state();
        state.is_drained && matches!(state.stage, Stage::Head | Stage::BodyWanted)
    }

    /// The connection was read, and there was nothing or something.
    pub(super) fn read(&self, is_drained: bool) {
        let mut state = self.state();
        state.is_drained = is_drained;
        // What has come may be the last of it.
        if !is_drained && state.stage == Stage::BodyWanted {
            state.stage = Stage::Handled;
        }
    }

    fn reach(&self, stage: Stage) {
        self.state().stage = stage;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a request, which notes how much of it is here.
#[derive(Debug)]
pub(super) struct Arriving {
    body: Incoming,
    arrival: Arrival,
}

impl Arriving {
    /// Its head is here.
    pub(super) fn new(body: Incoming, arrival: Arrival) -> Self {
        arrival.reach(Stage::Handled);
        Self { body, arrival }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.arrival.reach(if frame.is_pending() { Stage::BodyWanted } else { Stage::Handled });
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.arrival.reach(Stage::Handled);
    }
}
