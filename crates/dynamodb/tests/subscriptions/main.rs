//! What subscriptions promise on DynamoDB, in the real DynamoDB Local: how far they are is kept, and events are followed
//! by several processes through leases, whatever the network and the stream do.

mod budget;
mod event;
mod faults;
mod feed;
mod form;
mod past;
mod processes;
mod progress;
#[path = "../common/scripted.rs"]
mod service;
mod shards;
mod stream;
mod support;
mod whole;
