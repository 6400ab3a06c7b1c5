//! What the DynamoDB store promises beyond the laws of all stores, in the real DynamoDB Local: what it costs, how it
//! takes what a network and a busy service do, and what its items look like.

mod budget;
mod crowd;
mod faults;
mod form;
mod histories;
mod restored;
mod support;
