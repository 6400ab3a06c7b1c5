//! What a commit may be: the limits of DynamoDB, kept by every store, so that what works on a laptop works on AWS.
//!
//! For authors of stores, who call [`check`] before they write; users meet a [`LimitExceeded`] as the source of a
//! [`StoreError`](crate::StoreError).

mod measure;

use self::measure::measure;
use crate::{Commit, CommitId, Json, ResourceId};

/// The most bytes that one commit may take up: 400 KB, the size limit of
/// [a DynamoDB item](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
pub const MAX_COMMIT_BYTES: usize = 400 * 1024;

/// The most bytes of UTF-8 in a resource id: 2,048, the limit of a DynamoDB partition key.
pub const MAX_ID_BYTES: usize = 2048;

/// The most bytes of UTF-8 in a commit id, and so in an idempotency key. Ours: a key is a name, not a document.
pub const MAX_COMMIT_ID_BYTES: usize = 1024;

/// How deep a commit's maps and lists may be nested: 32 levels, DynamoDB's limit. The item itself is the first of them.
/// So the data of a commit's first event begin at level 2, and those of its further events, which are kept in a list of
/// maps, at level 4.
pub const MAX_NESTING: usize = 32;

/// The most bytes of UTF-8 in a key of an object within an event or the caller's meta: DynamoDB's limit of an attribute's
/// name. An empty key is beyond the limits too.
pub const MAX_KEY_BYTES: usize = 65_535;

/// The most significant digits of a number in an event: 38, DynamoDB's limit. Every integer and float type of Rust up
/// to 64 bits stays below it.
pub const MAX_NUMBER_DIGITS: usize = 38;

/// The decimal exponents of the numbers that DynamoDB can hold, in scientific notation: 1E-130 to 9.99…E+125.
pub const NUMBER_EXPONENTS: std::ops::RangeInclusive<i64> = -130..=125;

/// The largest number that an event can have. Stores take a larger one for what cannot be read: nothing that counts up to there
/// can overflow.
pub const MAX_EVENT_NUMBER: u64 = i64::MAX.cast_unsigned() - 1;

/// Whether an event can have that number.
#[must_use]
pub fn is_event_number(number: u64) -> bool {
    (1..=MAX_EVENT_NUMBER).contains(&number)
}

/// A limit that a commit does not keep, and by how much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// More bytes, levels or digits than allowed. Split the commit, or keep the bulk elsewhere.
    #[error("{what} of {actual} {unit} is above the limit of {limit}")]
    TooLarge {
        /// What is too large: `commit size`, `resource id`, …
        what: &'static str,
        /// What is counted.
        unit: &'static str,
        /// The most that is allowed.
        limit: usize,
        /// What it is.
        actual: usize,
    },
    /// A name that must not be empty.
    #[error("{what} is empty")]
    Empty {
        /// Which one: `resource id`, `resource type`, `commit id`, `event type`, `key of an object` or `commit`.
        what: &'static str,
    },
    /// A number whose magnitude DynamoDB cannot hold.
    #[error(
        "a number of magnitude 1E{exponent} is outside the limit of 1E{} to 9.99E{}",
        NUMBER_EXPONENTS.start(),
        NUMBER_EXPONENTS.end()
    )]
    NumberMagnitude {
        /// The number's decimal exponent.
        exponent: i64,
    },
}

/// Checks everything about a commit that has a limit, and tells its size in bytes: what DynamoDB bills.
///
/// The size follows [DynamoDB's rules](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html)
/// for the item that the commit becomes there; where these say "approximately", it is the upper bound.
///
/// # Errors
///
/// The first limit that the commit does not keep.
pub fn check(commit: &Commit) -> Result<usize, LimitExceeded> {
    not_empty("resource type", &commit.resource.resource_type)?;
    check_resource_id(&commit.resource.id)?;
    check_commit_id(&commit.id)?;
    commit.follows.as_ref().map_or(Ok(()), check_commit_id)?;
    if commit.events.is_empty() {
        return Err(LimitExceeded::Empty { what: "commit" });
    }

    let mut bytes = "id".len() + commit.resource.id.as_str().len();
    bytes += "number".len() + measure::integer(commit.number);
    bytes += "at".len() + "2026-11-23T09:30:00.000Z".len();
    bytes += "commit".len() + commit.id.as_str().len();
    bytes += commit.follows.as_ref().map_or(0, |follows| "follows".len() + follows.as_str().len());
    bytes += commit.trace.map_or(0, |_| "trace".len() + TRACEPARENT_BYTES);
    bytes += commit.cause.as_ref().map_or(0, |cause| "cause".len() + cause.len());
    if let Some(meta) = &commit.meta {
        bytes += "meta".len() + document(meta, 2)?;
    }
    if commit.number == 1 {
        bytes += "shard".len() + SHARD_BYTES;
    }
    for (index, event) in commit.events.iter().enumerate() {
        not_empty("event type", &event.event_type)?;
        let first = index == 0;
        bytes += "type".len() + event.event_type.len();
        if let Some(data) = &event.data {
            bytes += "data".len() + document(data, if first { 2 } else { 4 })?;
        }
        if index == 1 {
            bytes += "more".len() + measure::CONTAINER;
        }
        if !first {
            bytes += measure::CONTAINER + 3 * measure::ELEMENT;
        }
    }
    at_most("commit size", "bytes", MAX_COMMIT_BYTES, bytes)?;
    Ok(bytes)
}

/// Whether a resource can have this id at all.
///
/// # Errors
///
/// When the id is empty or above [`MAX_ID_BYTES`].
pub fn check_resource_id(id: &ResourceId) -> Result<(), LimitExceeded> {
    not_empty("resource id", id.as_str())?;
    at_most("resource id", "bytes", MAX_ID_BYTES, id.as_str().len())
}

/// Whether a commit can have this id, and so a caller this idempotency key.
///
/// # Errors
///
/// When the id is empty or above [`MAX_COMMIT_ID_BYTES`].
pub fn check_commit_id(id: &CommitId) -> Result<(), LimitExceeded> {
    not_empty("commit id", id.as_str())?;
    at_most("commit id", "bytes", MAX_COMMIT_ID_BYTES, id.as_str().len())
}

const TRACEPARENT_BYTES: usize = 55;

/// The listing index's partition key, at its longest.
const SHARD_BYTES: usize = 8;

fn document(json: &Json, level: usize) -> Result<usize, LimitExceeded> {
    let measured = measure(json.as_str());
    if measured.depth > 0 {
        at_most("nesting", "levels", MAX_NESTING, measured.depth + level - 1)?;
    }
    if measured.empty_key {
        return Err(LimitExceeded::Empty { what: "key of an object" });
    }
    at_most("key of an object", "bytes", MAX_KEY_BYTES, measured.longest_key)?;
    at_most("number precision", "digits", MAX_NUMBER_DIGITS, measured.digits)?;
    match measured.exponent_outside(&NUMBER_EXPONENTS) {
        Some(exponent) => Err(LimitExceeded::NumberMagnitude { exponent }),
        None => Ok(measured.bytes),
    }
}

fn not_empty(what: &'static str, text: &str) -> Result<(), LimitExceeded> {
    if text.is_empty() { Err(LimitExceeded::Empty { what }) } else { Ok(()) }
}

fn at_most(what: &'static str, unit: &'static str, limit: usize, actual: usize) -> Result<(), LimitExceeded> {
    if actual > limit { Err(LimitExceeded::TooLarge { what, unit, limit, actual }) } else { Ok(()) }
}
