//! What tests run things in. A service as its users have it: a process of its own, on a free port, over a store in a
//! folder of its own, or in tables of its own; whether it [starts as its template says](starts_as_its_template_says), and whether
//! its API is [as it describes it](keeps_its_description).
//! A [`FaultyProxy`] is the network and the busy service between a store and DynamoDB, a [`ShellBlock`] what the
//! documentation tells people to type.
//!
//! Nothing here returns errors: a test that cannot start its service, or reach it, has failed, and says so.

mod answer;
mod description;
mod markdown;
mod process;
mod proxy;
mod tables;
mod template;

pub use rustix::process::Signal;

pub use self::{
    answer::{Answer, Client},
    description::{Deleted, keeps_its_description},
    markdown::{ShellBlock, workspace},
    process::{Running, program, refused_to_start},
    proxy::{Fault, FaultyProxy, Request},
    tables::{SHOP_TABLES, Tables},
    template::starts_as_its_template_says,
};
