//! [`Query`]: the query string, like axum's, with a [`Problem`] where that answers with plain text.

use aws_event_sourcing_core::Timestamp;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::Problem;

/// The query string. Parameters that `T` does not have are ignored, unless it says `#[serde(deny_unknown_fields)]`; one that
/// does not parse is rejected with 400.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let value = axum::extract::Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(value.0))
    }
}

/// A whole number in a query. None when it is larger than any number that anything here has.
pub(crate) fn whole_number(name: &str, text: &str) -> Result<Option<u64>, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let detail = format!("the query: {name} has to be a whole number, not {text:?}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    Ok(text.parse().ok())
}

/// A moment in a query, as RFC 3339 writes it, with any offset. Before 1970 is 1970: nothing had happened by then.
pub(crate) fn moment(name: &str, text: &str) -> Result<Timestamp, Problem> {
    parse_moment(text).ok_or_else(|| {
        let detail = format!(
            "the query: {name} has to be a time such as 2026-11-23T09:30:00Z (RFC 3339, with + written %2B), not {text:?}"
        );
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

fn parse_moment(text: &str) -> Option<Timestamp> {
    /// So many years, the calendar comes round.
    const CYCLE: u64 = 400;

    let text = text.is_ascii().then(|| text.to_ascii_uppercase())?;
    let (local, ahead_millis) = match text.strip_suffix('Z') {
        Some(local) => (local.to_owned(), 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            (local.to_owned(), offset_millis(offset)?)
        }
    };
    let year: u64 = local.get(..4)?.parse().ok()?;
    if year < 1970 {
        let later = format!("{:04}{}Z", year + 5 * CYCLE, &local[4..]);
        return later.parse::<Timestamp>().ok().map(|_| Timestamp::from_unix_millis(0));
    }
    let local = format!("{local}Z").parse::<Timestamp>().ok()?.as_unix_millis();
    Some(Timestamp::from_unix_millis(local.saturating_add_signed(-ahead_millis)))
}

/// `+01:30`, in milliseconds.
fn offset_millis(offset: &str) -> Option<i64> {
    let number =
        |text: Option<&str>| text?.bytes().all(|byte| byte.is_ascii_digit()).then_some(text?)?.parse().ok();
    let (hours, minutes): (i64, i64) = (number(offset.get(1..3))?, number(offset.get(4..))?);
    let is_one = offset.get(3..4) == Some(":") && hours < 24 && minutes < 60;
    let millis = (hours * 60 + minutes) * 60_000;
    match offset.get(..1)? {
        _ if !is_one => None,
        "+" => Some(millis),
        "-" => Some(-millis),
        _ => None,
    }
}
