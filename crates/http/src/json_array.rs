//! [`JsonArray`]: a stream as a JSON array, in constant memory. For lists that may be long.

use std::{
    fmt,
    future::{poll_fn, ready},
    panic::AssertUnwindSafe,
    pin::Pin,
    task::Poll,
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use tracing::Span;

use crate::{Problem, json::encoded, panic::Panicked};

/// As much as goes out at once when the items come faster than the client reads.
const CHUNK: usize = 16 * 1024;

/// A JSON array that is written while it is read. A slow client slows the stream down, and one that goes away ends it.
///
/// In a list of resources put each into a [`Listed`](crate::Listed), so that one that cannot be read is an entry and not the
/// end.
pub struct JsonArray {
    /// What was there when it was begun.
    begun: Bytes,
    rest: Rest,
}

type Items = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Problem>> + Send>>;

/// What comes behind a chunk.
enum Rest {
    /// Items, the first of them behind this separator.
    Items(Items, &'static str),
    /// An error.
    Problem(Problem),
    /// Nothing: the array is whole.
    Nothing,
}

impl JsonArray {
    /// The items of a stream. Waits for the first one and takes those that are there with it, so that a stream that fails
    /// among these is answered with an error.
    ///
    /// A stream that fails later cuts the connection: nobody can take a part for the whole. The reason is logged.
    ///
    /// # Errors
    ///
    /// Those among the first items.
    pub async fn begin<T, E>(
        items: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> Result<Self, Problem>
    where
        T: Serialize,
        E: Into<Problem>,
    {
        Self::begin_encoded(
            items.map(|item| serde_json::to_vec(&item.map_err(Into::into)?).map_err(Problem::internal)),
        )
        .await
    }

    /// The items of a stream that are JSON already.
    pub(crate) async fn begin_encoded(
        items: impl Stream<Item = Result<Vec<u8>, Problem>> + Send + 'static,
    ) -> Result<Self, Problem> {
        let items = AssertUnwindSafe(items).catch_unwind();
        let items =
            items.map(|item| item.unwrap_or_else(|panic| Err(Problem::internal(Panicked::with(&*panic)))));
        match chunk(items.fuse().boxed(), "[").await {
            (_, Rest::Problem(problem)) => Err(problem),
            (begun, rest) => Ok(Self { begun, rest }),
        }
    }
}

impl IntoResponse for JsonArray {
    fn into_response(self) -> Response {
        let Self { begun, rest } = self;
        if let Rest::Nothing = rest {
            return encoded(begun);
        }
        let span = Span::current();
        let rest = stream::unfold(rest, |rest| async {
            match rest {
                Rest::Items(items, separator) => {
                    let (text, rest) = chunk(items, separator).await;
                    Some((Ok(text), rest))
                }
                Rest::Problem(problem) => {
                    let_go_out().await;
                    Some((Err(problem), Rest::Nothing))
                }
                Rest::Nothing => None,
            }
        });
        let text = stream::once(ready(Ok(begun))).chain(rest);
        encoded(Body::from_stream(text.inspect_err(move |problem: &Problem| {
            span.in_scope(|| tracing::error!(error = %problem.reason(), "the answer was cut off"));
        })))
    }
}

/// What is there, up to a limit, and what comes behind it. Waits for the first item only.
async fn chunk(mut items: Items, mut separator: &'static str) -> (Bytes, Rest) {
    let mut text = Vec::new();
    let mut next = Some(items.next().await);
    while let Some(item) = next {
        match item {
            Some(Ok(item)) => {
                text.extend_from_slice(separator.as_bytes());
                text.extend_from_slice(&item);
                separator = ",";
            }
            Some(Err(problem)) => return (text.into(), Rest::Problem(problem)),
            None => {
                text.extend_from_slice(if separator == "[" { b"[]" } else { b"]" });
                return (text.into(), Rest::Nothing);
            }
        }
        next = if text.len() < CHUNK { items.next().now_or_never() } else { None };
    }
    (text.into(), Rest::Items(items, separator))
}

/// Pauses for a moment: a server writes what it has when there is nothing more at once. Without it a client would get nothing
/// at all, and not a part that is seen to be one.
async fn let_go_out() {
    let mut has_paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl fmt::Debug for JsonArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonArray").finish_non_exhaustive()
    }
}
