//! [`Quiet`]: the part of an answer that keeps it out of the log.

use std::convert::Infallible;

use axum::response::{IntoResponseParts, ResponseParts};

/// Part of an answer that is not worth a line in the log, as that to a probe which comes every few seconds: what
/// [`harden`](crate::harden()) says about it is at level debug. As in `(Quiet, body)`.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl IntoResponseParts for Quiet {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.extensions_mut().insert(self);
        Ok(response)
    }
}
