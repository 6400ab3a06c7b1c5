//! One host for a service: an HTTP server on a laptop, over the embedded store or DynamoDB, and with the same `main` a function
//! on AWS Lambda.
//!
//! [`Service::from_env`] reads the environment, picks the store and starts logging; [`Service::run`] serves until it is
//! told to stop. Users of the facade crate find this as `aws_event_sourcing::service`.
//!
//! # On AWS Lambda
//!
//! A service knows that it is a function by `AWS_LAMBDA_RUNTIME_API`, which Lambda sets. What it is called with shows in the
//! event's own shape. One function may take several kinds, or each kind may have a function of its own:
//!
//! | called by | what handles it |
//! |---|---|
//! | API Gateway (REST API, HTTP API), a function URL, an Application Load Balancer, VPC Lattice (both versions) | [`Service::api`] |
//! | the stream of a table | [`Service::subscribe`] |
//! | a schedule with the input `{"aws-event-sourcing":"redrive"}` | redrive of what is parked, and of a new subscription what is older than the stream |
//! | an SQS queue | [`Service::on_queue`] |
//! | an SNS topic | [`Service::on_topic`] |
//! | EventBridge: a schedule | [`Service::on_schedule`] |
//! | EventBridge: an event of a bus | [`Service::on_event`] |
//! | whoever keeps it warm | nothing: it is answered |
//!
//! What nothing handles is an error that names its kind, because what is answered is never heard of again. A function is kept
//! warm by an event that says nothing: `{}`, `null`, `{"source":"serverless-plugin-warmup"}`, `{"type":"warmer"}`, one with
//! `warmer`, `warmup`, `keep_warm` or `keepWarm` that is `true`, and, in a service that has no schedules, a schedule without an
//! input, which the log has a warning about.
//!
//! The API is as it is on a laptop, with the same lengths and bodies of answers. A handler sees paths without the stage of an API
//! and without the base path of its [mapping](https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html),
//! and clients get links with them. The routes `/` and `/{proxy+}` of an API tell what is in front; the route `$default`, a
//! function URL, a load balancer and VPC Lattice do not, and there `BASE_PATH` says it. An answer
//! is sent when it is whole; one that is not by then, half a second before the invocation is cut off, or that is larger than the
//! [6 MB](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html) that Lambda can send (1 MB to a load
//! balancer), is a problem that says so. An HTTP API decodes paths before it calls a function: an id with a `/` in it cannot be
//! told from two segments there, and a `?` in one ends the path. A REST API
//! [hands on](https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html) a body that is no text
//! only with `*/*` among its binary media types: answers to one are not packed, which it can do itself (`MinimumCompressionSize`).
//! A load balancer takes one cookie of an answer, unless its target group has multi-value headers, and so does VPC Lattice.
//!
//! What an authorizer of API Gateway has found out about who sent a request is in the request's extensions: [`RequestContext`], by
//! which a service can also say [whose an idempotency key is](aws_event_sourcing_http::IdempotencyScope).
//!
//! A request without a `traceparent` is part of the trace that X-Ray has for it, and one without an `X-Request-Id` has Lambda's
//! id of the invocation. Lines of the log are in a span `invocation` with that as `lambda_request_id`.
//!
//! # Health
//!
//! Paths that begin with `/_` are the service's own, whatever routes the API has; on a laptop and on Lambda:
//!
//! | request | answer |
//! |---|---|
//! | `GET /_health/live` | 200 as long as the process answers |
//! | `GET /_health/ready` | 200 when every store in use answers a read within two seconds, and every subscription that the process follows runs and reaches its events; 503 otherwise, and from the signal to stop on |
//!
//! Both are JSON, and take no parameters: a query is ignored. `ready` names each check, what is wrong with it and since when; the error itself is in the log. It reads a
//! resource that is not there, and believes the answer for five seconds: on DynamoDB at the most 17,280 read units a day for
//! each table and process. A probe leaves no line in the log at `info`, but the moments do when a service becomes not ready, and
//! ready again. A resource that is parked makes nobody unready.
//!
//! # Description
//!
//! `GET /_openapi.json` is a document of OpenAPI 3.1: of the health above, and of what [`Service::openapi`] adds to it.
//!
//! # Environment
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `PORT` | HTTP port; 0 takes any free one, which the log then names | 3000 |
//! | `HOST` | address or name to listen on | `127.0.0.1` |
//! | `BASE_PATH` | the path under which clients find the API, such as `/catalog`, when a proxy or a gateway is in front: links begin with it, and a request may have it or not. Where an event tells, it need not be set; set, it is what links begin with, and `/` stands for nothing | none |
//! | `DATA_DIR` | folder of the embedded store, made when it is missing; the store is the file `events.db` in it | `./data` |
//! | `DYNAMODB_TABLE` | use DynamoDB: the table of a service with one resource type, by its name or its ARN | none: embedded; on Lambda this or the next has to be set |
//! | `DYNAMODB_TABLE_<TYPE>` | the same, for each resource type of a service with several: `DYNAMODB_TABLE_PRODUCT` for `product`, with `_` for what is neither a letter nor a digit | |
//! | `SUBSCRIPTIONS_TABLE` | the table for how far subscriptions are, when there are any on DynamoDB | none |
//! | `AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_DYNAMODB`, … | as in every AWS SDK | |
//! | `STOP_GRACE_SECONDS` | how long requests and events in flight may take when the service stops | [8](Service::stop_grace) |
//! | `RUST_LOG` | what is logged, as [`tracing_subscriber::EnvFilter`] reads it | `info`, without the AWS SDK's search for credentials |
//! | `LOG_FORMAT` | `json`, one object a line, panics included, or `pretty` | `pretty`; on Lambda `json` |
//!
//! A setting that is there but wrong stops the start with one line that names it, and exit code 1. So does a variable that is
//! none of these but nearly one, `DYNAMODB_TABEL` or `DATADIR`, and a table for a resource type that the service does not have.
//! An empty one counts as not set.
//!
//! # Log
//!
//! Lines go to standard output. No answer and no stop waits for them to be read or written: a thread of its own writes them,
//! up to 4 MB wait for it, and what does not fit is dropped. The log says how many lines that were, once it is read again. On
//! Lambda an answer waits a tenth of a second, at the most, until the lines of its invocation are written.
//!
//! At `info` there is a line for each request (`answered`, and `refused` with the reason when it was an error of the client's),
//! for each commit (`committed`) and for each event that a subscription has handled (`handled`). Panics are always logged.
//!
//! In a line of JSON all fields are members of the one object, those of the spans that it is in too. The same thing has the same
//! name everywhere:
//!
//! | field | meaning |
//! |---|---|
//! | `timestamp`, `level`, `message`, `spans` | when, how bad, what, and within what: `request`, `handle`, `invocation` |
//! | `error` | why, with all causes |
//! | `trace_id` | the trace: from the request through the commit to every handler |
//! | `request_id`, `method`, `path`, `status`, `duration_ms` | a request over HTTP and its answer |
//! | `lambda_request_id` | the invocation on Lambda |
//! | `resource_type`, `id` | a resource |
//! | `number` | an event of it |
//! | `version`, `event_types` | what a commit led to, and the types of its events |
//! | `subscription`, `attempt` | who handles an event, and how often it has tried, this time included |
//! | `partition`, `parked` | a share of a feed; how many resources are parked |
//! | `cause` | the message or event that a function was called with |
//! | `store`, `file`, `table`, `region`, `endpoint`, `stream`, `shard` | where events are |
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `dynamodb` (default) | the store on DynamoDB. Compiles the AWS SDK. Without it, `DYNAMODB_TABLE` is refused |
//! | `lambda` (default) | functions on AWS Lambda, with `dynamodb`. Without it, a service refuses to start there |
#![cfg_attr(
    not(feature = "lambda"),
    doc = "

[`Service::on_queue`]: #features
[`Service::on_topic`]: #features
[`Service::on_schedule`]: #features
[`Service::on_event`]: #features
[`RequestContext`]: #features"
)]

mod base_path;
mod description;
mod draining;
mod error;
mod followers;
mod framing;
mod health;
mod host;
#[cfg(feature = "lambda")]
mod lambda;
mod logging;
mod message;
mod overtime;
mod reserved;
mod server;
mod settings;
mod signals;
mod socket;
mod stores;
#[cfg(feature = "dynamodb")]
mod tables;
mod telling;

#[cfg(feature = "lambda")]
pub use self::lambda::{BusEvent, Message, RequestContext};
pub use self::{error::Error, host::Service};
