//! [`Listings`]: which shards a stream has, looked at from time to time by all followers together.
//!
//! AWS allows ten `DescribeStream` a second for a whole account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use super::{plan::Shard, stream::TableStream};
use crate::error::Error;

/// The shards of a stream as they were at some time.
pub(super) struct Listing {
    /// When they were asked for.
    pub(super) asked: Instant,
    pub(super) arn: Arc<str>,
    pub(super) shards: Vec<Shard>,
}

/// One place for each resource type.
type Places = HashMap<Arc<str>, Arc<tokio::sync::Mutex<Option<Arc<Listing>>>>>;

/// The last listing of each resource type.
#[derive(Clone, Default)]
pub(super) struct Listings(Arc<Mutex<Places>>);

impl Listings {
    /// A listing that was not asked for before this time.
    pub(super) async fn get(&self, stream: &TableStream, not_before: Instant) -> Result<Arc<Listing>, Error> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            places.entry(stream.resource_type.clone()).or_default().clone()
        };
        // Whoever waits here is given what the one before was answered.
        let mut place = place.lock().await;
        if let Some(listing) = place.as_ref().filter(|listing| listing.asked >= not_before) {
            return Ok(listing.clone());
        }
        let asked = Instant::now();
        let arn = stream.arn().await?;
        let shards = stream.shards(&arn).await?;
        let listing = Arc::new(Listing { asked, arn: arn.into(), shards });
        *place = Some(listing.clone());
        Ok(listing)
    }
}
