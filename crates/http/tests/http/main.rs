//! What this crate promises, each promise a test, through real HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod domain;
mod log;
mod server;
mod stores;

mod cors;
mod foreign;
mod hardened;
mod openapi;
mod packed;
mod problems;
mod reads;
mod shapes;
mod slashes;
mod unreadable;
mod writes;
