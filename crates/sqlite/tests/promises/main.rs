//! What this store promises beyond the laws that every store keeps, each promise in a file of its name.

mod support;

mod open;
