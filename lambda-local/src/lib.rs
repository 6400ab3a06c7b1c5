//! What an example deploys to AWS, on this machine: API → function → DynamoDB → stream → function. For tests, benchmarks,
//! and people who try something out.
//!
//! The programs are those that AWS would run, and what runs them is AWS's own where AWS gives it away: the runtime interface
//! emulator stands for the Lambda service in front of a [`Function`], and DynamoDB Local for DynamoDB. What AWS does not give
//! away is made here: the trace that a function is called within, which the emulator does not hand on; the API in front of a function is a [`Gateway`], also with the base path of a domain of one's own; what hands the stream of a table to a function is a
//! [`Mapping`], what calls it every so often is a [`Schedule`], and what refuses it whatever it may not do is its [`Role`]. A
//! [`Deployment`] is all of them, put together as a template says.
//!
//! Whatever is started here ends when it is dropped, and at the latest with the process that started it, even when that is
//! killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lambda_local::{Deployment, Program};
//!
//! let shop = Deployment::of("shopping").program(Program::Debug).start().await?;
//! println!("{}", shop.gateway().url());
//! # Ok(())
//! # }
//! ```

mod deployment;

mod function;
mod gateway;
mod mapping;
mod schedule;

mod dynamodb;
mod log;
mod role;
mod server;

mod error;

pub use self::{
    deployment::{Deployment, Launch, Prepared, Program},
    dynamodb::DynamoDb,
    error::Error,
    function::{Builder, Failure, Function},
    gateway::{Api, Gateway},
    log::Log,
    mapping::{Backoff, Mapping, Settings, Start},
    role::Role,
    schedule::Schedule,
};
