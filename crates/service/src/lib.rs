//! One host for a service: HTTP on a laptop, over the embedded store or DynamoDB. The same `main` is to run on AWS
//! Lambda.
//!
//! [`Service::from_env`] reads the environment, picks the store and starts logging; [`Service::run`] serves until it is
//! told to stop. Users of the facade crate find this as `aws_event_sourcing::service`.
//!
//! # Environment
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `PORT` | HTTP port; 0 takes any free one, which the log then names | 3000 |
//! | `HOST` | address or name to listen on | `127.0.0.1` |
//! | `DATA_DIR` | folder of the embedded store, made when it is missing; the store is the file `events.db` in it | `./data` |
//! | `DYNAMODB_TABLE` | use DynamoDB: the table of a service with one resource type | none: embedded |
//! | `DYNAMODB_TABLE_<TYPE>` | the same, for each resource type of a service with several: `DYNAMODB_TABLE_PRODUCT` for `product`, with `_` for what is neither a letter nor a digit | |
//! | `SUBSCRIPTIONS_TABLE` | the table for how far subscriptions are, when there are any on DynamoDB | none |
//! | `AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_DYNAMODB`, … | as in every AWS SDK | |
//! | `RUST_LOG` | what is logged, as [`tracing_subscriber::EnvFilter`] reads it | `info`, without the AWS SDK's search for credentials |
//! | `LOG_FORMAT` | `json`, one object a line, or `pretty` | `pretty` |
//!
//! A setting that is there but wrong stops the start with one line that names it, and exit code 1. An empty one counts
//! as not set.
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `dynamodb` (default) | the store on DynamoDB. Compiles the AWS SDK. Without it, `DYNAMODB_TABLE` is refused |

mod error;
mod followers;
mod host;
mod logging;
mod server;
mod settings;
mod signals;
mod stores;
#[cfg(feature = "dynamodb")]
mod tables;

pub use self::{error::Error, host::Service};
