//! Who follows the file for a subscription, as rows of the table `leases`.

use aws_event_sourcing_core::subscription::SubscriptionKey;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::records::Result;
use crate::lease::Holder;

const HOLDER: &str =
    "SELECT term, lock, process, host, since FROM leases WHERE subscription = ?1 AND resource = ?2";

const TAKE: &str = "
INSERT INTO leases (subscription, resource, term, lock, process, host, since)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO UPDATE
SET term = excluded.term, lock = excluded.lock, process = excluded.process, host = excluded.host, since = excluded.since
WHERE term = excluded.term - 1";

const IS_OF_TERM: &str =
    "SELECT EXISTS (SELECT 1 FROM leases WHERE subscription = ?1 AND resource = ?2 AND term = ?3)";

/// Who has the lease, or had it last.
pub(super) fn holder(connection: &Connection, key: &SubscriptionKey) -> Result<Option<Holder>> {
    let mut statement = connection.prepare_cached(HOLDER)?;
    let row = statement.query_row((&*key.subscription, &*key.resource_type), |row| {
        let (term, lock, process) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Holder { term, lock, process, host: row.get(3)?, since: row.get(4)? })
    });
    Ok(row.optional()?)
}

/// Makes somebody the next to have the lease. Whether nobody was before them.
pub(super) fn take(connection: &Connection, key: &SubscriptionKey, next: &Holder) -> Result<bool> {
    let Holder { term, lock, process, host, since } = next;
    let row = params![&*key.subscription, &*key.resource_type, term, lock, process, host, since];
    Ok(connection.prepare_cached(TAKE)?.execute(row)? == 1)
}

/// Whether nobody has taken the lease since.
pub(super) fn is_of_term(connection: &Connection, key: &SubscriptionKey, term: i64) -> Result<bool> {
    let mut statement = connection.prepare_cached(IS_OF_TERM)?;
    Ok(statement.query_row((&*key.subscription, &*key.resource_type, term), |row| row.get(0))?)
}
