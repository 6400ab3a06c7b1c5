//! Functions, gateways, mappings, roles and schedules, on the real emulator of Lambda and the real DynamoDB Local.

mod common;
mod function;
mod gateway;
mod lifetime;
mod mapping;
mod role;
mod schedule;
