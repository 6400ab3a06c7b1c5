//! [`frame`]: gives an answer the length and the body that its status allows. Both hosts do it to each answer on its way out.
//!
//! axum writes the length of what a handler has made of the body, whatever the status is. hyper takes it away again from some
//! answers and not from others: to a `HEAD` request, or in front of a body that it does not send, it leaves it in place.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    },
    response::Response,
};

/// By [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110): 204 has neither a body nor a length, the body of 205 is empty, and 304
/// has no body and, because nobody knows that of the other answer, no length.
pub(crate) fn frame(mut response: Response) -> Response {
    let length = match response.status() {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => None,
        StatusCode::RESET_CONTENT => Some(HeaderValue::from_static("0")),
        _ => return response,
    };
    let headers = response.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONTENT_LENGTH);
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length);
    }
    *response.body_mut() = Body::empty();
    response
}
