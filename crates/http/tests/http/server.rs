//! A server on a port of its own, and what a test says to it.

use std::net::SocketAddr;

use aws_event_sourcing_core::{EventStore, MemoryStore, Repository};
use aws_event_sourcing_http::{Settings, compress, harden};
use axum::Router;
use reqwest::{Client, Method, RequestBuilder, Response, header::HeaderMap};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::domain::{Product, api};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
}

/// The shop on a store of its own.
pub(crate) async fn shop() -> (Server, Repository<Product>) {
    shop_on(MemoryStore::new()).await
}

pub(crate) async fn shop_on(store: impl EventStore) -> (Server, Repository<Product>) {
    let products = Repository::new(store);
    (Server::start(api(products.clone())).await, products)
}

impl Server {
    pub(crate) async fn start(router: Router) -> Self {
        Self::start_with(router, &Settings::default()).await
    }

    pub(crate) async fn start_with(router: Router, settings: &Settings) -> Self {
        Self::start_as_it_is(harden(compress(router), settings)).await
    }

    pub(crate) async fn start_as_it_is(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, client: Client::new() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A product with that stock; its path.
    pub(crate) async fn product(&self, amount: u32) -> String {
        let created =
            self.post("/products").json(&serde_json::json!({ "amount": amount })).send().await.unwrap();
        assert_eq!(created.status(), 201);
        header(created.headers(), "location").to_owned()
    }

    /// Says these very bytes, and gives everything that comes back until the server hangs up.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

#[track_caller]
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap_or_else(|| panic!("no {name} in {headers:?}")).to_str().unwrap()
}

/// Asserts that the response is a problem with all members, and gives it.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    let (path, answered) = (response.url().path().to_owned(), response.status());
    let media_type = header(response.headers(), "content-type").to_owned();
    assert!(response.headers().contains_key("x-request-id"));
    let length = header(response.headers(), "content-length").to_owned();
    let body = response.text().await.unwrap();
    assert_eq!(answered, status, "{body}");
    assert_eq!((&*media_type, length), ("application/problem+json", body.len().to_string()));
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&problem["status"], &problem["instance"]), (&status.into(), &path.into()), "{body}");
    for text in ["type", "title", "detail"] {
        assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text} of {body}");
    }
    problem
}
