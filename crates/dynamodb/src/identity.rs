//! [`Identity`]: whether a table is still the one that it was, so that what was read from it is still there.
//!
//! A conditional write sees one item: it cannot tell that the commits before it are gone. They go when a table is restored
//! to an earlier state, and that makes [another table](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html),
//! with an identity of its own. One of the same name needs the former to be deleted first, and takes
//! [20 minutes at least](https://repost.aws/knowledge-center/dynamodb-restore-taking-long). So it is enough to look at the
//! identity now and then: `DescribeTable`, which costs nothing. Looks are shared by all writers of a process, and AWS
//! permits [2,500 a second](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-control-plane.html) in an
//! account and region.
//!
//! That the answer may be a moment old, as AWS says, does no harm: before another table can be written to, the former was
//! being deleted, not there, and being made, for much longer than a moment.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_event_sourcing_core::{ErrorChain, Moment};
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use tokio::time::timeout;
use tracing::field::display;

use crate::{error::Error, request::Pending, resource_table::ResourceTable, table::Kind};

/// How old a look may be, unless set: less than it takes to delete a table, make another one and write into it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long a commit waits for a look. After that it is faster to read.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long nobody looks who was told that it is not permitted.
const NOT_PERMITTED: Duration = Duration::from_secs(60);

/// What is known of which table it is that has a name.
#[derive(Debug)]
pub(crate) struct Identity {
    look_every: Duration,
    state: Mutex<State>,
    /// Who looks has this.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether anybody has looked since the table was last known to be there, or is about to.
    is_begun: bool,
    known: Option<Known>,
    /// What was seen before then may have been in another table.
    doubted_at: Option<Moment>,
    /// When a look has failed, and for how long there is no other one.
    failed: Option<(Moment, Duration)>,
    /// Whether it was said that looking is not permitted.
    told: bool,
}

/// A table by what tells it from all others, those of the same name included.
#[derive(Debug)]
struct Known {
    id: String,
    /// Since when it is known to be this one: when the first answer that said so was there.
    since: Moment,
    /// When it was this one for the last time: when that was asked.
    asked_at: Moment,
}

impl State {
    /// Whether what was seen then is still there, as far as the last look tells; none where somebody has to look.
    fn judge(&self, seen: &Moment, asked_at: &Moment, look_every: Duration) -> Option<bool> {
        if self.doubted_at.is_some_and(|doubted_at| seen.is_before(&doubted_at)) {
            return Some(false);
        }
        if seen.elapsed() < look_every {
            return Some(true);
        }
        if let Some(Known { since, asked_at: last, .. }) = &self.known
            && (!last.is_before(asked_at) || last.elapsed() < look_every)
        {
            return Some(!seen.is_before(since) || seen.until(since) < look_every);
        }
        let (failed_at, pause) = self.failed?;
        (!failed_at.is_before(asked_at) || failed_at.elapsed() < pause).then_some(false)
    }
}

impl Identity {
    pub(crate) fn new(look_every: Duration) -> Self {
        Self { look_every, state: Mutex::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Whether what was in the table at that moment is known to be there still. Looks where the last look is too old.
    pub(crate) async fn has_kept(&self, table: &ResourceTable, seen: Moment) -> bool {
        let asked_at = Moment::now();
        let judge = || self.state().judge(&seen, &asked_at, self.look_every);
        if let Some(kept) = judge() {
            return kept;
        }
        // Who looks already is waited for, and not for longer than that takes.
        if let Ok(_turn) = timeout(PATIENCE, self.looking.lock()).await
            && judge().is_none()
        {
            self.look(table).await;
        }
        judge().unwrap_or(false)
    }

    /// Whether this is the first one to ask, who then looks.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.state();
        !std::mem::replace(&mut state.is_begun, true)
    }

    /// Looks which table it is.
    pub(crate) async fn look(&self, table: &ResourceTable) {
        self.begin();
        let asked_at = Moment::now();
        let answer = timeout(PATIENCE, describe(table)).await;
        let mut state = self.state();
        match answer {
            Ok(Ok(Some(id))) => {
                state.failed = None;
                let is_other = state.known.as_ref().is_some_and(|known| known.id != id);
                match &mut state.known {
                    Some(known) if !is_other => known.asked_at = asked_at,
                    known => *known = Some(Known { id, since: Moment::now(), asked_at }),
                }
                if is_other {
                    state.doubted_at = Some(Moment::now());
                    tracing::warn!(
                        table = &*table.name,
                        "the table is another one than before, of the same name: what was read from the former is read again"
                    );
                }
            }
            // Being made, being deleted, or not there.
            Ok(Ok(None) | Err(Error::TableNotFound { .. })) => state.doubt(),
            Ok(Err(error)) => {
                let is_denied = matches!(error, Error::Denied { .. });
                let error = display(ErrorChain::of(&error));
                if is_denied && !std::mem::replace(&mut state.told, true) {
                    tracing::warn!(
                        table = &*table.name,
                        error,
                        "it cannot be told whether the table was restored: a commit on what was read more than {:?} ago \
                         reads the one before it, a read unit for each. Permit dynamodb:DescribeTable",
                        self.look_every
                    );
                } else {
                    tracing::debug!(table = &*table.name, error, "it cannot be told which table this is");
                }
                let pause = if is_denied { NOT_PERMITTED } else { self.look_every };
                state.failed = Some((Moment::now(), pause));
            }
            Err(_) => state.failed = Some((Moment::now(), self.look_every)),
        }
    }

    /// The table was not there: what there is from now on need not be what there was.
    pub(crate) fn doubt(&self) {
        self.state().doubt();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave it half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn doubt(&mut self) {
        let now = Moment::now();
        self.known = None;
        self.is_begun = false;
        self.doubted_at = Some(now);
        self.failed = Some((now, Duration::ZERO));
    }
}

/// What tells a table from all others; none while it cannot be written to.
async fn describe(table: &ResourceTable) -> Result<Option<String>, Error> {
    let ResourceTable { dynamodb, name, .. } = table;
    let pending = Pending::unreported(dynamodb, "DescribeTable", name, Kind::Events);
    let request = dynamodb.client().describe_table().table_name(&**name);
    let answer = request.customize().interceptor(pending.attempts()).send().await;
    let description = answer.map_err(|error| pending.failed(error))?.table;
    Ok(description.filter(is_in_use).and_then(|table| {
        // DynamoDB Local gives tables no id.
        table.table_id.or_else(|| Some(format!("{:?}", table.creation_date_time?)))
    }))
}

fn is_in_use(table: &TableDescription) -> bool {
    matches!(table.table_status, Some(TableStatus::Active | TableStatus::Updating))
}
