//! A service as its users have it: a process of its own, on a free port, over a store in a folder of its own. For the
//! tests of the examples.
//!
//! Nothing here returns errors: a test that cannot start its service, or reach it, has failed, and says so.

mod answer;
mod process;

pub use self::{
    answer::{Answer, Client},
    process::{Running, program, refused_to_start},
};
