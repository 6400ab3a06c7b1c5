//! [`JsonArray`]: a stream as a JSON array, in constant memory. For lists that may be long.

use std::{fmt, panic::AssertUnwindSafe, pin::Pin};

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
pub struct JsonArray(Items);

type Items = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Problem>> + Send>>;

impl JsonArray {
    /// The items of a stream. Waits for the first one, so that a stream that fails at once is answered with an error.
    ///
    /// A stream that fails later cuts the connection: nobody can take a part for the whole. The reason is logged.
    ///
    /// # Errors
    ///
    /// That of the first item.
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
        let mut items = items.fuse().boxed();
        let first = items.try_next().await?;
        Ok(Self(stream::iter(first.map(Ok)).chain(items).boxed()))
    }
}

impl IntoResponse for JsonArray {
    fn into_response(self) -> Response {
        let span = Span::current();
        let text = stream::try_unfold(Some((self.0, "[")), |open| async {
            match open {
                Some((items, separator)) => chunk(items, separator).await.map(Some),
                None => Ok(None),
            }
        });
        encoded(Body::from_stream(text.inspect_err(move |problem| {
            span.in_scope(|| tracing::error!(error = %problem.reason(), "the answer was cut off"));
        })))
    }
}

/// What is there, up to a limit; and the rest, if there may be any.
async fn chunk(
    mut items: Items,
    mut separator: &'static str,
) -> Result<(Bytes, Option<(Items, &'static str)>), Problem> {
    let mut text = Vec::new();
    let mut next = Some(items.next().await);
    while let Some(item) = next {
        let Some(item) = item else {
            text.extend_from_slice(if separator == "[" { b"[]" } else { b"]" });
            return Ok((text.into(), None));
        };
        text.extend_from_slice(separator.as_bytes());
        text.extend_from_slice(&item?);
        separator = ",";
        next = if text.len() < CHUNK { items.next().now_or_never() } else { None };
    }
    Ok((text.into(), Some((items, separator))))
}

impl fmt::Debug for JsonArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonArray").finish_non_exhaustive()
    }
}
