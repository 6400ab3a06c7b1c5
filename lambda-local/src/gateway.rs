//! [`Gateway`]: an HTTP API in front of a function, as API Gateway is.

mod answer;
mod event;
mod http_api;
mod rest_api;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Request, Response},
};
use hyper::body::Incoming;
use serde_json::Value;

use self::event::Call;
use crate::{Error, Failure, Function, server::Server};

/// The most bytes of a request's body that API Gateway takes. Lambda takes less.
const LARGEST: usize = 10 << 20;

/// Which API a gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// An HTTP API, which speaks version 2.0 of its format: `AWS::Serverless::HttpApi`.
    #[default]
    Http,
    /// A REST API, which speaks version 1.0: `AWS::Serverless::Api`, with the stage `prod`.
    Rest,
}

impl Api {
    /// How long it waits for a function.
    fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Http => 30,
            Self::Rest => 29,
        })
    }

    fn event(self, call: &Call) -> Value {
        match self {
            Self::Http => http_api::event(call),
            Self::Rest => rest_api::event(call),
        }
    }
}

/// An HTTP server that turns each request into a call of a function, and the function's answer into that to the request.
/// Dropping it stops it; a call that is under way is left to the function.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    base_path: String,
}

impl Gateway {
    /// Starts it on a port of this machine; zero stands for any.
    ///
    /// # Errors
    ///
    /// [`PortInUse`](Error::PortInUse) when somebody listens on the port.
    pub async fn start(function: Arc<Function>, api: Api, port: u16) -> Result<Self, Error> {
        Self::at("", function, api, port).await
    }

    /// The same as it is at a domain of one's own, by an API mapping with a base path such as `/v1/catalog`. It is part of the
    /// [URL](Self::url).
    ///
    /// # Errors
    ///
    /// [`PortInUse`](Error::PortInUse) when somebody listens on the port.
    pub async fn mapped(
        base_path: &str,
        function: Arc<Function>,
        api: Api,
        port: u16,
    ) -> Result<Self, Error> {
        Self::at(base_path, function, api, port).await
    }

    async fn at(base_path: &str, function: Arc<Function>, api: Api, port: u16) -> Result<Self, Error> {
        let base: Arc<str> = base_path.into();
        let serve = move |request, client| serve(Arc::clone(&function), api, base.clone(), client, request);
        Ok(Self { server: Server::start(port, serve).await?, base_path: base_path.to_owned() })
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where it is: `http://127.0.0.1:` and the port, and the base path if it has one.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + &self.base_path
    }
}

async fn serve(
    function: Arc<Function>,
    api: Api,
    base_path: Arc<str>,
    client: SocketAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let behind = head.uri.path().strip_prefix(&*base_path);
    if !behind.is_some_and(|path| path.is_empty() || path.starts_with('/')) {
        // There is no mapping for it.
        return match api {
            Api::Http => message(404, "Not Found"),
            Api::Rest => message(403, "Forbidden"),
        };
    }
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST).await else {
        return message(413, "Request Too Long");
    };
    let call = Call::new(head, body, client, base_path);
    let payload = Bytes::from(api.event(&call).to_string());
    let answer = tokio::time::timeout(api.patience(), function.invoke_traced(payload, &call.trace())).await;
    match (answer, api) {
        (Ok(Ok(answer)), _) => answer::response(api, &answer).unwrap_or_else(|| broken(api)),
        (Ok(Err(Failure::TooLarge(_))), _) => message(413, "Request Too Long"),
        (Err(_), Api::Http) => message(503, "Service Unavailable"),
        (Err(_), Api::Rest) => message(504, "Endpoint request timed out"),
        (Ok(Err(failure)), _) => {
            function.log().write(format!("{} {} has failed: {failure}", call.head.method, call.path()));
            broken(api)
        }
    }
}

/// What the function has failed to answer, or has answered with something that is no answer.
fn broken(api: Api) -> Response<Body> {
    match api {
        Api::Http => message(500, "Internal Server Error"),
        Api::Rest => message(502, "Internal server error"),
    }
}

/// An answer of the gateway's own.
fn message(status: u16, text: &str) -> Response<Body> {
    let body = serde_json::json!({ "message": text }).to_string();
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body.into()).expect("a status and a header that are valid")
}
