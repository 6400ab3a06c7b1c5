//! Headers that are about one connection. A handler can say such a thing on a laptop, where hyper obeys or corrects it; on AWS
//! the connection to the client is not the function's.

use axum::http::{
    HeaderMap, HeaderName,
    header::{CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
};

const OF_A_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes those of [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1), and those that `Connection` names.
pub(super) fn remove(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).into_iter().filter_map(|line| line.to_str().ok());
    let names =
        lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok());
    for name in names.collect::<Vec<_>>().iter().chain(&OF_A_CONNECTION) {
        headers.remove(name);
    }
}
