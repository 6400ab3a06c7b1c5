//! The body of a request on its way in: unpacked, bounded in size, and watched.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::{Body, Bytes, HttpBody as _};
use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::StreamReader;

/// How much of a body that is too large is read and thrown away. Many clients send all of it before they read: the
/// answer would be lost if the connection were closed on them.
const DISCARDED: usize = 16 << 20;

/// Bytes that are unpacked at a time.
const UNPACKED_AT_ONCE: usize = 8 << 10;

/// What became of a body, for those who have to answer when a handler could not read it.
#[derive(Debug, Clone, Default)]
pub(super) struct Intake(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    too_large: AtomicBool,
    awaited: AtomicBool,
    damaged: AtomicBool,
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

    /// It arrived, and cannot be unpacked.
    pub(super) fn is_damaged(&self) -> bool {
        self.0.damaged.load(Relaxed)
    }

    /// Notes while somebody waits for more of a body.
    fn watch(&self, body: Body) -> Data {
        let open = (body.into_data_stream(), self.clone());
        let watched = stream::try_unfold(open, |(mut body, intake)| async move {
            intake.0.awaited.store(true, Relaxed);
            let data = body.next().await.transpose();
            intake.0.awaited.store(false, Relaxed);
            Ok(data.map_err(io::Error::other)?.map(|data| (data, (body, intake))))
        });
        watched.boxed()
    }

    fn too_large(&self) -> io::Error {
        self.0.too_large.store(true, Relaxed);
        io::Error::other("the body is above the limit")
    }
}

type Data = BoxStream<'static, io::Result<Bytes>>;

/// A body that fails behind `limit` bytes.
pub(super) fn bounded(body: Body, limit: usize) -> (Body, Intake) {
    let intake = Intake::default();
    if body.is_end_stream() {
        return (body, intake);
    }
    let open = (intake.watch(body), limit, intake.clone());
    let bounded = stream::try_unfold(open, |(mut body, left, intake)| async move {
        let Some(data) = body.try_next().await? else { return Ok(None) };
        let Some(left) = left.checked_sub(data.len()) else {
            discard(body).await;
            return Err(intake.too_large());
        };
        Ok(Some((data, (body, left, intake))))
    });
    (Body::from_stream(bounded), intake)
}

/// A body of gzip, unpacked while it arrives, that fails behind `limit` bytes of what is in it. What is behind the limit is
/// not unpacked: it may be a thousand times what was sent.
pub(super) fn unpacked(body: Body, limit: usize) -> (Body, Intake) {
    let intake = Intake::default();
    if body.is_end_stream() {
        return (body, intake);
    }
    let mut decoder = GzipDecoder::new(StreamReader::new(intake.watch(body)));
    // What is behind the first member is another one, or the body is no gzip.
    decoder.multiple_members(true);
    let open = (decoder, limit, intake.clone());
    let unpacked = stream::try_unfold(open, |(mut decoder, left, intake)| async move {
        let mut data = Vec::with_capacity(UNPACKED_AT_ONCE);
        if let Err(error) = decoder.read_buf(&mut data).await {
            let is_of_the_connection =
                error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<axum::Error>);
            intake.0.damaged.store(!is_of_the_connection, Relaxed);
            return Err(error);
        }
        if data.is_empty() {
            return Ok(None);
        }
        let Some(left) = left.checked_sub(data.len()) else {
            discard(decoder.into_inner().into_inner()).await;
            return Err(intake.too_large());
        };
        Ok(Some((Bytes::from(data), (decoder, left, intake))))
    });
    (Body::from_stream(unpacked), intake)
}

/// Reads what the client has begun to send.
pub(super) async fn discard<E>(mut body: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    let mut left = DISCARDED;
    while let Some(Ok(data)) = body.next().await
        && let Some(less) = left.checked_sub(data.len())
    {
        left = less;
    }
}
