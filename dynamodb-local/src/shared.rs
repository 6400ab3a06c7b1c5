//! [`url`]: the server that the tests of a process share.

use std::{env, sync::OnceLock};

use crate::{DynamoDbLocal, Tables};

/// The environment variable that names a server which runs already. `cargo xtask test` sets it, so that all tests share
/// one server.
pub const URL_VARIABLE: &str = "DYNAMODB_LOCAL_URL";

/// The address of a server for tests: the one that [`URL_VARIABLE`] names; without it, one that is started for this
/// process and ends with it. It has [tables of each key](Tables::OfEachKey): a test with an access key of its own has
/// the server for itself.
///
/// # Panics
///
/// When there is no server: a test that needs one has failed then.
#[must_use]
pub fn url() -> &'static str {
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    static STARTED: OnceLock<DynamoDbLocal> = OnceLock::new();
    let given = GIVEN.get_or_init(|| env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()));
    given.as_deref().unwrap_or_else(|| {
        let start = || DynamoDbLocal::builder().tables(Tables::OfEachKey).start();
        STARTED.get_or_init(|| start().unwrap_or_else(|error| panic!("{error}"))).url()
    })
}
