//! [`Service`]: what a program's `main` builds and runs.

use aws_event_sourcing_core::{Aggregate, Repository, subscription::Subscription};
use axum::Router;
use tokio::net::TcpListener;

use crate::{
    Error, followers::Followers, logging, server, settings::Settings, signals::Signals, stores::Stores,
};

/// A service that is being set up: a store, and an API over it.
///
/// ```no_run
/// use aws_event_sourcing_service::{Error, Service};
/// use axum::{Router, routing::get};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let service = Service::from_env("greeter").await?;
///     let api = Router::new().route("/", get(async || "Hello!"));
///     service.api(api).run().await
/// }
/// ```
#[derive(Debug)]
#[must_use = "a service does nothing before it runs"]
pub struct Service {
    name: String,
    settings: Settings,
    stores: Stores,
    api: Router,
    http: aws_event_sourcing_http::Settings,
    subscriptions: Vec<Subscription>,
    examples: Vec<String>,
}

impl Service {
    /// Reads the environment, starts logging and opens the store: the embedded one, which is made when there is none, or
    /// DynamoDB when a table is set.
    ///
    /// # Errors
    ///
    /// A wrong setting, or a store that cannot be opened.
    pub async fn from_env(name: impl Into<String>) -> Result<Self, Error> {
        let settings = Settings::read(std::env::vars_os().filter_map(|(name, value)| {
            // A name that is not Unicode is none of ours. A value that is not is shown as far as it is, and refused.
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))?;
        logging::start(&settings)?;
        let stores = Stores::open(&settings).await?;
        Ok(Self {
            name: name.into(),
            settings,
            stores,
            api: Router::new(),
            http: Default::default(),
            subscriptions: Vec::new(),
            examples: Vec::new(),
        })
    }

    /// The resources of type `A` in this service's store, or in the table of that type: whether it has one, and one that
    /// fits, is said by [`run`](Self::run). Clone what this returns instead of calling it twice: each
    /// call makes a repository with a cache of its own.
    #[must_use]
    pub fn repository<A: Aggregate>(&self) -> Repository<A> {
        self.stores.repository()
    }

    /// What is served over HTTP. Around it come request ids, traces, an access log, limits and time-outs; inside it,
    /// whatever axum can do.
    pub fn api(self, api: Router) -> Self {
        Self { api, ..self }
    }

    /// Limits and time-outs of requests, and who may call from a browser.
    pub fn http(self, http: aws_event_sourcing_http::Settings) -> Self {
        Self { http, ..self }
    }

    /// Has a subscription handle events, for as long as the service runs: those that other processes commit too. On
    /// DynamoDB, `SUBSCRIPTIONS_TABLE` has to be set.
    pub fn subscribe(mut self, subscription: Subscription) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    /// A request that is worth trying, which the log shows as a `curl` command on start.
    ///
    /// `body`, when it is not empty, is JSON.
    pub fn example(mut self, method: &str, path: &str, body: &str) -> Self {
        let body = match body {
            "" => String::new(),
            body => format!(" -H 'content-type: application/json' -d '{body}'"),
        };
        let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
        self.examples.push(format!("curl -i{method} {{}}{path}{body}"));
        self
    }

    /// Serves until Ctrl-C or SIGTERM. Then no new connection and no new event is taken, requests and events in flight are
    /// finished, for 30 seconds at most or until the signal comes again, and the store is closed.
    ///
    /// # Errors
    ///
    /// When a resource type has no table, or one that is not there or not made for events; when there are subscriptions and
    /// no place to keep how far they are, or two have one name; when it cannot listen on `HOST` and `PORT`, or the store
    /// cannot be closed in order.
    pub async fn run(self) -> Result<(), Error> {
        self.stores.check().await?;
        let followers = Followers::prepare(self.subscriptions, &self.stores).await?;
        let Settings { host, port, .. } = &self.settings;
        let cannot_listen = |source| Error::Listen { address: format!("{host}:{port}"), source };
        let listener = TcpListener::bind((host.as_str(), *port)).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let mut signals = Signals::listen()?;

        tracing::info!(service = self.name, store = %self.stores, "listening on http://{address}");
        for example in &self.examples {
            tracing::info!("try: {}", example.replace("{}", &format!("http://{address}")));
        }

        let router = aws_event_sourcing_http::harden(self.api, &self.http);
        let mut followers = followers.start();
        let until_stop = server::accept(listener, router, server::HEAD_TIMEOUT, &mut signals);
        let connections = until_stop.await;
        followers.stop();
        server::finish(async { tokio::join!(connections.shutdown(), followers.finish()) }, &mut signals)
            .await;
        self.stores.close().await?;
        tracing::info!("stopped");
        Ok(())
    }
}
