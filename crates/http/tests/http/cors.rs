//! Web pages of other origins.

use aws_event_sourcing_core::{MemoryStore, Repository};
use aws_event_sourcing_http::{Cors, Settings};
use reqwest::{Method, Response};

use crate::{
    domain::{Product, api},
    server::{Server, header},
};

const SHOP: &str = "https://shop.example";

async fn start(cors: Option<Cors>) -> Server {
    let settings = Settings { cors, ..Settings::default() };
    Server::start_with(api(Repository::<Product>::new(MemoryStore::new())), &settings).await
}

async fn preflight(server: &Server, origin: &str) -> Response {
    let request = server.request(Method::OPTIONS, "/products").header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "idempotency-key").send().await.unwrap()
}

fn words(response: &Response, name: &str) -> Vec<String> {
    let mut words: Vec<_> =
        header(response.headers(), name).split(',').map(|word| word.trim().to_owned()).collect();
    words.sort_unstable();
    words
}

#[tokio::test]
async fn no_page_may_use_it_unless_it_is_allowed_to() {
    let server = start(None).await;
    let response = server.get("/products").header("origin", SHOP).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let preflight = preflight(&server, SHOP).await;
    assert_eq!(preflight.status(), 405);
    for response in [response, preflight] {
        assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control-")));
    }
}

#[tokio::test]
async fn a_page_that_is_allowed_to_may_read_and_write_with_all_headers() {
    let server = start(Some(Cors::origins([SHOP, "http://localhost:5173"]))).await;
    let allowed = preflight(&server, SHOP).await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(header(allowed.headers(), "access-control-allow-origin"), SHOP);
    assert_eq!(
        words(&allowed, "access-control-allow-methods"),
        ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
    );
    assert_eq!(
        words(&allowed, "access-control-allow-headers"),
        [
            "content-encoding",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "traceparent",
            "x-request-id"
        ]
    );
    assert!(allowed.headers().contains_key("x-request-id"));
    for path in ["/products", "/products/7", "/nowhere"] {
        let response = server.get(path).header("origin", "http://localhost:5173").send().await.unwrap();
        assert_eq!(header(response.headers(), "access-control-allow-origin"), "http://localhost:5173");
        assert_eq!(
            words(&response, "access-control-expose-headers"),
            ["content-location", "etag", "link", "location", "retry-after", "x-request-id"]
        );
        let vary = response.headers().get_all("vary");
        assert!(vary.iter().any(|line| line.to_str().unwrap().contains("origin")));
    }
}

#[tokio::test]
async fn a_page_of_another_origin_may_not() {
    let server = start(Some(Cors::origins([SHOP]))).await;
    for origin in ["https://shop.example.evil", "https://evil.example", "null", "HTTPS://SHOP.EXAMPLE", "*"] {
        let refused = preflight(&server, origin).await;
        assert!(!refused.headers().contains_key("access-control-allow-origin"), "{origin}");
        let response = server.get("/products").header("origin", origin).send().await.unwrap();
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{origin}");
    }
}

#[tokio::test]
async fn any_page_may_where_any_is_allowed() {
    let server = start(Some(Cors::any())).await;
    assert_eq!(header(preflight(&server, "null").await.headers(), "access-control-allow-origin"), "*");
    let response = server.get("/products").header("origin", SHOP).send().await.unwrap();
    assert_eq!(header(response.headers(), "access-control-allow-origin"), "*");
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
}
