//! Tables: making, checking and describing them. In the real DynamoDB Local, and against a
//! [service that says what a test wants](scripted) where AWS does what DynamoDB Local never does.

mod check;
mod create;
mod describe;
mod scripted;
#[path = "../common/scripted.rs"]
mod service;
mod subscriptions;
mod suitable;
mod support;
