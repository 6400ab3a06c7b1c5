//! [`Stop`]: that a subscription is to stop, told to all that work for it.

use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::sync::watch;

/// Knows whether to stop. Clones know the same.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// One that is told by dropping the sender, or by sending `true`.
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub(super) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is time to stop.
    pub(super) async fn requested(&self) {
        // An error means that nobody is left who could want it to go on.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// Waits for a future, but not beyond the time to stop. None when that came first.
    pub(super) async fn or<F: Future>(&self, future: F) -> Option<F::Output> {
        match select(pin!(self.requested()), pin!(future)).await {
            Either::Left(_) => None,
            Either::Right((output, _)) => Some(output),
        }
    }
}
