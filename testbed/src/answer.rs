//! [`Client`]: requests to a service; [`Answer`]: what comes back, read whole.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Sends requests to one service.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    address: String,
    base_path: String,
}

impl Client {
    /// A client of the service at an address: host and port.
    #[must_use]
    pub fn new(address: &str) -> Self {
        // Whatever proxy the environment names is not for a server on this machine.
        let http = reqwest::Client::builder().no_proxy().build().expect("a client without TLS needs nothing");
        Self { http, address: address.to_owned(), base_path: String::new() }
    }

    /// The same of a service that clients find under a base path, such as `/catalog`.
    #[must_use]
    pub fn under(self, base_path: &str) -> Self {
        Self { base_path: base_path.to_owned(), ..self }
    }

    /// A path of the service as a client sees it: with the base path, unless it has it already.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        let has_it = path.strip_prefix(&self.base_path).is_some_and(|behind| behind.starts_with('/'));
        if has_it { path.to_owned() } else { format!("{}{path}", self.base_path) }
    }

    /// A request that is yet to be sent.
    ///
    /// # Panics
    ///
    /// When `method` is none.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, format!("http://{}{}", self.address, self.path(path)))
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request("GET", path)).await
    }

    /// Posts JSON to a path.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request("POST", path).json(&body)).await
    }

    /// Posts nothing to a path.
    pub async fn post_empty(&self, path: &str) -> Answer {
        Answer::to(self.request("POST", path)).await
    }
}

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as JSON; null when there is none.
    pub body: Value,
    /// The path of the request, without its query.
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// Sends a request and reads the answer.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn to(request: RequestBuilder) -> Self {
        Self::maybe(request).await.expect("an answer")
    }

    /// Sends a request to a service that may not be there.
    ///
    /// # Errors
    ///
    /// When there is no whole answer.
    ///
    /// # Panics
    ///
    /// When the body is neither empty nor JSON.
    pub async fn maybe(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let path = response.url().path().to_owned();
        let text =
            |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = response.text().await?;
        let body =
            if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("a body of JSON") };
        Ok(Self { status, body, path, headers })
    }

    /// A header of the answer, its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// A member of the body.
    ///
    /// # Panics
    ///
    /// When the body has no such text.
    #[must_use]
    pub fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no text {member} in {}", self.body))
    }
}
