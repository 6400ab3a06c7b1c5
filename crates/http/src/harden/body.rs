//! The body of a request on its way in: bounded in size, and watched.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use axum::body::{Body, BodyDataStream, HttpBody as _};
use futures_util::{StreamExt as _, stream};

/// How much of a body that is too large is read and thrown away. Many clients send all of it before they read: the
/// answer would be lost if the connection were closed on them.
const DISCARDED: usize = 16 << 20;

/// What became of a body, for those who have to answer when a handler could not read it.
#[derive(Debug, Clone, Default)]
pub(super) struct Intake(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    too_large: AtomicBool,
    awaited: AtomicBool,
}

impl Intake {
    /// It was larger than it may be.
    pub(super) fn is_too_large(&self) -> bool {
        self.0.too_large.load(Relaxed)
    }

    /// Somebody reads it, and the client does not send.
    pub(super) fn is_awaited(&self) -> bool {
        self.0.awaited.load(Relaxed)
    }
}

/// A body that fails behind `limit` bytes.
pub(super) fn bounded(body: Body, limit: usize) -> (Body, Intake) {
    let intake = Intake::default();
    if body.is_end_stream() {
        return (body, intake);
    }
    let open = (body.into_data_stream(), limit, intake.clone());
    let bounded = stream::try_unfold(open, |(mut body, left, intake)| async move {
        let Intake(flags) = &intake;
        flags.awaited.store(true, Relaxed);
        let data = body.next().await.transpose();
        flags.awaited.store(false, Relaxed);
        let Some(data) = data? else { return Ok(None) };
        let Some(left) = left.checked_sub(data.len()) else {
            flags.too_large.store(true, Relaxed);
            discard(body).await;
            return Err(axum::Error::new("the body is above the limit"));
        };
        Ok(Some((data, (body, left, intake))))
    });
    (Body::from_stream(bounded), intake)
}

/// Reads what the client has begun to send.
pub(super) async fn discard(mut body: BodyDataStream) {
    let mut left = DISCARDED;
    while let Some(Ok(data)) = body.next().await
        && let Some(less) = left.checked_sub(data.len())
    {
        left = less;
    }
}
