//! [`DynamoDb`]: a connection to DynamoDB Local.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Response, header},
};
use serde_json::Value;

use crate::{Error, mapping::Stream};

/// Where everything is said to be.
pub(crate) const REGION: &str = "us-east-1";

/// Any will do, but there has to be one.
const SECRET: &str = "secret";

/// A connection to a DynamoDB Local that somebody has started, with an access key. Where each key has tables of its own,
/// these are the tables that are seen.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    http: reqwest::Client,
    url: String,
    access_key: String,
}

impl DynamoDb {
    /// A connection to this server.
    ///
    /// # Panics
    ///
    /// Never: a client without TLS needs nothing.
    pub fn new(url: impl Into<String>, access_key: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build();
        Self {
            http: http.expect("a client without TLS needs nothing"),
            url: url.into(),
            access_key: access_key.into(),
        }
    }

    /// The variables of a program that connects to it in the same way.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &self.access_key),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
    }

    /// The same by another address.
    pub(crate) fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    /// Sends somebody's request on, and gives the answer as it is.
    pub(crate) async fn hand_on(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Body>, reqwest::Error> {
        headers.remove(header::HOST);
        let answer = self.http.post(&self.url).headers(headers).body(body).send().await?;
        let mut response = Response::builder().status(answer.status());
        *response.headers_mut().expect("a valid status") = answer.headers().clone();
        let body = answer.bytes().await?;
        Ok(response.body(body.into()).expect("headers that have been valid before"))
    }

    /// Sends a request to DynamoDB, `CreateTable` and the like, and gives the answer.
    ///
    /// # Errors
    ///
    /// When it is refused, or not answered.
    pub async fn ask(&self, operation: &str, request: &Value) -> Result<Value, Error> {
        self.send("DynamoDB_20120810", operation, request).await
    }

    /// All that is in the stream of a table, oldest first in each shard: records as a [mapping](crate::Mapping) hands them over.
    ///
    /// # Errors
    ///
    /// When there is no such table, or it has no stream.
    pub async fn stream(&self, table: &str) -> Result<Vec<Value>, Error> {
        Stream::of(table, self).await?.read().await
    }

    /// The same for its streams: `GetRecords`.
    pub(crate) async fn ask_streams(&self, operation: &str, request: &Value) -> Result<Value, Error> {
        self.send("DynamoDBStreams_20120810", operation, request).await
    }

    async fn send(&self, service: &str, operation: &str, request: &Value) -> Result<Value, Error> {
        let failed = |why: String| Error::DynamoDb { operation: operation.to_owned(), why };
        let lost = |error: reqwest::Error| failed(error.to_string());
        // It tells its users apart by the key, and does not look at the signature.
        let key = &self.access_key;
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("{service}.{operation}"))
            .header("authorization", authorization)
            .body(request.to_string());
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        let text = answer.text().await.map_err(lost)?;
        if !status.is_success() {
            return Err(failed(text));
        }
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    }
}
