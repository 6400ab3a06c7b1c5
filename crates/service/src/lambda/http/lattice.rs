//! Requests of VPC Lattice, in version 1 and version 2 of its event:
//! <https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html>. Both take the answer of a load balancer.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    InvocationError, encode,
    load_balancer::client,
    request::{Arrived, Multiple, headers, malformed, query, target},
};

/// The two versions have the same members by other names.
#[derive(Deserialize)]
struct Payload {
    method: String,
    /// As the client sent it, with the query.
    #[serde(alias = "raw_path")]
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(alias = "query_string_parameters", rename = "queryStringParameters")]
    parameters: Option<BTreeMap<String, Values>>,
    body: Option<String>,
    #[serde(default, alias = "is_base64_encoded", rename = "isBase64Encoded")]
    is_base64_encoded: bool,
}

/// Version 1 has one value of each, version 2 all of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    All(Vec<String>),
}

fn all(values: BTreeMap<String, Values>) -> Multiple {
    let list = |values| match values {
        Values::One(value) => vec![value],
        Values::All(values) => values,
    };
    values.into_iter().map(|(name, values)| (name, list(values))).collect()
}

pub(super) fn read(payload: &str) -> Result<Arrived, InvocationError> {
    let payload: Payload = serde_json::from_str(payload).map_err(malformed)?;
    let headers = headers(None, Some(all(payload.headers)));
    let (path, written) = target(&payload.path);
    Ok(Arrived {
        method: payload.method,
        in_front: None,
        path: encode::path(path),
        // Of several parameters of one name version 1 has the first only, elsewhere than in the path.
        query: match written {
            Some(written) => encode::query(written),
            None => query(None, payload.parameters.map(all), encode::parameter),
        },
        client: client(&headers),
        headers,
        has_multi_value_headers: false,
        body: payload.body,
        is_base64_encoded: payload.is_base64_encoded,
    })
}
