//! [`Service`]: what a program's `main` builds and runs.

use std::time::Duration;

#[cfg(feature = "lambda")]
use aws_event_sourcing_core::subscription::Failure;
use aws_event_sourcing_core::{Aggregate, Repository, subscription::Subscription};
use aws_event_sourcing_http::{OpenApi, Stopping, compress, harden};
use axum::{Extension, Router};

#[cfg(feature = "lambda")]
use crate::lambda::{self, BusEvent, Handlers, Lambda, Message};
use crate::{
    Error,
    base_path::BasePath,
    description,
    draining::{self, Door},
    followers::{self, Followers},
    health::{self, Health},
    logging::{self, LAST_WORDS, Log, WaitFor},
    message::well_formed,
    reserved::reserve,
    server::{self, Server},
    settings::{Place, Settings},
    signals::Signals,
    socket::Socket,
    stores::Stores,
};

/// How long what is in flight may take when the service stops: less than whatever kills it then.
const STOP_GRACE: Duration = Duration::from_secs(8);

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
    log: Log,
    /// Of a process of its own.
    socket: Option<Socket>,
    stores: Stores,
    api: Router,
    http: aws_event_sourcing_http::Settings,
    stopping: Stopping,
    stop_grace: Duration,
    description: OpenApi,
    subscriptions: Vec<Subscription>,
    #[cfg(feature = "lambda")]
    handlers: Handlers,
    examples: Vec<String>,
}

impl Service {
    /// Reads the environment, starts logging, takes `HOST` and `PORT`, and opens the store: the embedded one, which is made
    /// when there is none, or DynamoDB when a table is set.
    ///
    /// # Errors
    ///
    /// A wrong setting, an address that somebody else has, or a store that cannot be opened.
    pub async fn from_env(name: impl Into<String>) -> Result<Self, Error> {
        let settings = Settings::read(std::env::vars_os().filter_map(|(name, value)| {
            // A name that is not Unicode is none of ours. A value that is not is shown as far as it is, and refused.
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))?;
        let log = logging::start(&settings)?;
        let socket = match settings.place {
            Place::Process => Some(Socket::bind(&settings.host, settings.port).await?),
            #[cfg(feature = "lambda")]
            Place::Lambda => None,
        };
        let stores = Stores::open(&settings).await?;
        let name = name.into();
        Ok(Self {
            description: OpenApi::new(&name).merge(health::description()),
            name,
            settings,
            log,
            socket,
            stores,
            api: Router::new(),
            http: Default::default(),
            stopping: Stopping::new(),
            stop_grace: STOP_GRACE,
            subscriptions: Vec::new(),
            #[cfg(feature = "lambda")]
            handlers: Handlers::default(),
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

    /// What is served over HTTP. Around it come request ids, traces, an access log, limits, time-outs and answers that are
    /// packed; inside it, whatever axum can do. Paths that begin with `/_` are kept for the
    /// [host's own](crate#health).
    pub fn api(self, api: Router) -> Self {
        Self { api, ..self }
    }

    /// Limits and time-outs of requests, who may call from a browser, and
    /// [whose an `Idempotency-Key` is](aws_event_sourcing_http::IdempotencyScope).
    pub fn http(self, http: aws_event_sourcing_http::Settings) -> Self {
        Self { http, ..self }
    }

    /// How long requests and events in flight may take when the service stops; 8 seconds otherwise, because Docker kills a
    /// process [after 10](https://docs.docker.com/reference/cli/docker/container/stop/). `STOP_GRACE_SECONDS` overrides it.
    pub fn stop_grace(self, grace: Duration) -> Self {
        Self { stop_grace: grace, ..self }
    }

    /// Tells when the service stops, and can have it stop. In a handler of the API it is an extractor.
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        self.stopping.clone()
    }

    /// Describes the API in `GET /_openapi.json`.
    ///
    /// ```
    /// # use aws_event_sourcing_service::Service;
    /// use serde_json::json;
    ///
    /// # fn example(service: Service) -> Service {
    /// service.openapi(|document| {
    ///     let state = json!({"properties": {"quantity": {"type": "integer"}}});
    ///     document.resources("/products", "product", state).merge(json!({"info": {"version": "1.2.0"}}))
    /// })
    /// # }
    /// ```
    ///
    /// A path that is described and has no route is told of in the log, at level warn.
    pub fn openapi(self, describe: impl FnOnce(OpenApi) -> OpenApi) -> Self {
        Self { description: describe(self.description), ..self }
    }

    /// Has a subscription handle events, for as long as the service runs: those that other processes commit too. On
    /// DynamoDB, `SUBSCRIPTIONS_TABLE` has to be set; on AWS Lambda, for the function that streams are mapped to.
    pub fn subscribe(mut self, subscription: Subscription) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    /// Has a handler get the messages of an SQS queue, by its name, on AWS Lambda: `orders`, or `orders.fifo`.
    ///
    /// ```
    /// # use aws_event_sourcing_core::subscription::Failure;
    /// # use aws_event_sourcing_service::{Message, Service};
    /// # #[derive(serde::Deserialize)]
    /// # struct Order {}
    /// async fn order(message: Message) -> Result<(), Failure> {
    ///     let order: Order = message.decode()?;
    ///     println!("{} is the order of {}", message.id, message.sent_at);
    ///     Ok(())
    /// }
    ///
    /// # fn example(service: Service) -> Service {
    /// service.on_queue("orders", order)
    /// # }
    /// ```
    ///
    /// The event source mapping between queue and function has to say `FunctionResponseTypes: [ReportBatchItemFailures]`:
    /// Lambda takes what failed for handled otherwise, and deletes it.
    ///
    /// A message that fails, panics, or is not handled when the time of the invocation is up, comes again, until the queue
    /// moves it to its dead-letter queue. Messages of a FIFO queue are handled in order within their group: what is behind one
    /// that failed comes again with it. All others are handled side by side, up to 64 at a time.
    ///
    /// What comes by way of an SNS topic is an envelope of JSON, unless the topic's subscription has
    /// [raw message delivery](https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html).
    ///
    /// Delivery is at least once. What a handler commits happens once all the same, however often its message comes, by the
    /// same rule as in a subscription: see [`Cause`](aws_event_sourcing_core::subscription::Cause). What the sender sends twice
    /// are two messages, and so is one that is moved back from a dead-letter queue: where that matters, give the commit an
    /// [idempotency key](aws_event_sourcing_core::Write::idempotency_key) from what the message says.
    ///
    /// # Panics
    ///
    /// When the queue has a handler already, or this is no name but an ARN or a URL.
    #[cfg(feature = "lambda")]
    pub fn on_queue<F, R>(mut self, queue: &str, handler: F) -> Self
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.handlers.on_queue(queue, handler);
        self
    }

    /// Has a handler get the messages of an SNS topic, by its name, on AWS Lambda.
    ///
    /// ```
    /// # use aws_event_sourcing_service::{Message, Service};
    /// # fn example(service: Service) -> Service {
    /// service.on_topic("alerts", async |message: Message| {
    ///     println!("{}", message.subject.as_deref().unwrap_or(&message.body));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// A handler that fails, panics, or is not done when the time of the invocation is up, fails the invocation: Lambda
    /// [tries it twice again](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html) unless the
    /// function says otherwise. What a handler commits happens once, as that of a [queue](Self::on_queue)'s.
    ///
    /// # Panics
    ///
    /// When the topic has a handler already, or this is no name but an ARN.
    #[cfg(feature = "lambda")]
    pub fn on_topic<F, R>(mut self, topic: &str, handler: F) -> Self
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.handlers.on_topic(topic, handler);
        self
    }

    /// Has a handler run by a schedule, on AWS Lambda: by the name of a schedule of EventBridge Scheduler, or of a rule of
    /// EventBridge with a schedule.
    ///
    /// ```
    /// # use aws_event_sourcing_service::{BusEvent, Service};
    /// # fn example(service: Service) -> Service {
    /// service.on_schedule("nightly", async |event: BusEvent| {
    ///     println!("the night of {}", event.at);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// The target has to leave the event as it is, without an input of its own. What is said of
    /// [topics](Self::on_topic) about failures and commits is true of schedules too.
    ///
    /// # Panics
    ///
    /// When the schedule has a handler already, or this is no name but an ARN.
    #[cfg(feature = "lambda")]
    pub fn on_schedule<F, R>(mut self, schedule: &str, handler: F) -> Self
    where
        F: Fn(BusEvent) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.handlers.on_schedule(schedule, handler);
        self
    }

    /// Has a handler get the events of an EventBridge bus that have a detail type, on AWS Lambda.
    ///
    /// ```
    /// # use aws_event_sourcing_service::{BusEvent, Service};
    /// # #[derive(serde::Deserialize)]
    /// # struct Order {}
    /// # fn example(service: Service) -> Service {
    /// service.on_event("order.placed", async |event: BusEvent| {
    ///     let order: Order = event.detail.decode()?;
    ///     println!("{} says that there is an order", event.source);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// What is said of [topics](Self::on_topic) about failures and commits is true of these too.
    ///
    /// # Panics
    ///
    /// When the detail type has a handler already.
    #[cfg(feature = "lambda")]
    pub fn on_event<F, R>(mut self, detail_type: &str, handler: F) -> Self
    where
        F: Fn(BusEvent) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.handlers.on_event(detail_type, handler);
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

    /// Runs the service: as an HTTP server that follows subscriptions, or on AWS Lambda as a function.
    ///
    /// As a server it runs until Ctrl-C or SIGTERM. Then no new connection and no new event is taken, and what has not arrived
    /// in full is closed: an idle connection, half a request. Requests and events in flight are finished. What is not by the
    /// end of the [grace](Self::stop_grace), or when the signal comes again, is cut off. Then the store is closed. A handler
    /// whose answer has no end ends it when the service [stops](Self::stopping).
    /// Who comes meanwhile is answered with 503. Shortly after the grace the process is ended in any case, whatever it
    /// is at, with exit code 1.
    ///
    /// As a function it runs until Lambda ends the process. While it starts, it opens a connection to DynamoDB, which nothing
    /// waits for. It does not ask what the tables are like: `eventctl table check` does.
    ///
    /// # Errors
    ///
    /// When a resource type has no table, or one that is not there or not made for events; when there are subscriptions and
    /// no place to keep how far they are, or two have one name; when it cannot listen on `HOST` and `PORT`, or the store
    /// cannot be closed in order. On Lambda, when its runtime API cannot be used.
    pub async fn run(mut self) -> Result<(), Error> {
        let log = self.log.clone();
        let ended = match self.settings.place {
            Place::Process => {
                let socket = self.socket.take().expect("a process of its own has taken its address");
                self.serve(socket).await
            }
            #[cfg(feature = "lambda")]
            Place::Lambda => self.answer().await,
        };
        log.wait_for(WaitFor::EachLine);
        log.drain(LAST_WORDS);
        ended
    }

    async fn serve(self, socket: Socket) -> Result<(), Error> {
        let followed = followers::types(&self.subscriptions);
        self.stores.check_places(&followed).await?;
        let health = Health::of(&self.stores, &self.subscriptions);
        let followers = Followers::prepare(self.subscriptions, &self.stores).await?;
        let (listener, address) = socket.listen()?;
        let grace = self.settings.stop_grace.unwrap_or(self.stop_grace);
        let mut signals = Signals::listen(grace, &self.log).await?;

        tracing::info!(service = self.name, %address, store = %self.stores, "listening on http://{address}");
        for example in &self.examples {
            let base_path = self.settings.base_path.as_ref().map_or("", BasePath::as_str);
            tracing::info!("try: {}", example.replace("{}", &format!("http://{address}{base_path}")));
        }
        #[cfg(feature = "lambda")]
        if let [first, others @ ..] = self.handlers.names().as_slice() {
            let names = others.iter().fold(first.clone(), |names, name| names + ", " + name);
            tracing::info!(
                handlers = names,
                "some handlers are not called here, because their messages and events come on AWS Lambda only"
            );
        }

        let own = own_routes(&health, self.description.clone());
        let around = |router| harden(well_formed(compress(router)), &self.http);
        let (own, api) = (around(own), around(self.api.layer(Extension(self.stopping.clone()))));
        let draining = reserve(own.clone(), around(draining::refusing()));
        let router = reserve(own, api);
        for path in self.description.unserved(&router).await {
            if !path.starts_with("/_") {
                tracing::warn!(path, "described for OpenAPI, and there is no route");
            }
        }
        let beside = Door::beside(listener);
        let (listener, door) =
            beside.map_err(|source| Error::Listen { address: address.to_string(), source })?;
        let mut followers = followers.start();
        // From now on somebody waits for an answer.
        self.log.wait_for(WaitFor::Nothing);
        let server = Server::new(router, server::HEAD_TIMEOUT, self.stopping).at(self.settings.base_path);
        server.accept(listener, &mut signals).await;
        health.stops();
        followers.stop();
        let in_flight = async { tokio::join!(server.finish(), followers.finish()) };
        let is_finished = tokio::select! {
            is_finished = server::finish(in_flight, grace, &mut signals) => is_finished,
            never = door.answer(draining) => match never {},
        };
        if !is_finished {
            let connections = server.cut();
            tracing::warn!(connections, "connections are closed with requests in flight");
        }
        self.stores.close().await?;
        tracing::info!("stopped");
        Ok(())
    }

    #[cfg(feature = "lambda")]
    async fn answer(self) -> Result<(), Error> {
        self.stores.check(&followers::types(&self.subscriptions))?;
        followers::check_names(&self.subscriptions)?;
        // Events are handed to a function: it has no followers.
        let health = Health::of(&self.stores, []);
        let around = |router| harden(lambda::fit(compress(router)), &self.http);
        let api = reserve(around(own_routes(&health, self.description)), around(self.api));
        let Self { name, log, settings, stores, subscriptions, handlers, .. } = self;
        let base_path = settings.base_path;
        let registrations = Default::default();
        Lambda { name, log, api, base_path, stores, subscriptions, registrations, handlers }.run().await
    }
}

/// What a service answers itself.
fn own_routes(health: &Health, description: OpenApi) -> Router {
    health.routes().merge(description::routes(description))
}
