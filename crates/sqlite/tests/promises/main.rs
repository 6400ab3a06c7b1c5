//! What this store promises beyond the laws that every store keeps, each promise in a file of its name.

mod peer;
mod support;

mod open;

mod clock;
mod close;
mod copies;
mod crash;
mod files;
mod leases;
mod processes;
mod room;

mod layouts;
mod sql;
