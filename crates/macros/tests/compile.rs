//! What the derive refuses, with which words, and what it accepts.
//!
//! After a message was changed on purpose, `TRYBUILD=overwrite cargo test -p aws-event-sourcing-macros --test compile`
//! writes the expected ones anew.

use trybuild::TestCases;

#[test]
fn refused() {
    TestCases::new().compile_fail("tests/refused/*.rs");
}

#[test]
fn accepted() {
    TestCases::new().pass("tests/accepted/*.rs");
}
