//! [`Verify`]: reads a table of events from its beginning to its end, and finds histories that are not whole.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use aws_event_sourcing_core::StoreError;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::{
    Table,
    definition::Kind,
    histories::{BrokenHistory, Histories},
    requirement::sort_key,
};
use crate::{
    consumed::Meter,
    error::Error,
    pages::{self, Source},
    resource_table::ResourceTable,
};

/// Read units a second, unless set: 4 MB.
const READ_UNITS: NonZeroU32 = NonZeroU32::new(1_000).expect("more than none");

/// The most broken histories that are told one by one.
const MOST_TOLD: usize = 10_000;

impl Table {
    /// Reads the table of events, and finds every resource whose history is not whole: with numbers missing, with commits
    /// that follow others than those before them, with items that are no commits. Reads only, and may go on while the table
    /// is used.
    #[must_use = "nothing is read before it is sent"]
    pub fn verify(&self) -> Verify {
        Verify { table: self.clone(), read_units: READ_UNITS, on_progress: None }
    }
}

type OnProgress = Box<dyn FnMut(&VerifyProgress) + Send>;

/// What is going on while a table is verified.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum VerifyProgress {
    /// It is about to be read: so many items and bytes, as AWS counted within the last six hours.
    Begins {
        /// One for each commit.
        items: u64,
        /// What is read: a unit for each 4 KB.
        bytes: u64,
        /// Read units a second.
        read_units: NonZeroU32,
    },
    /// So much was read by now.
    Reads(Verified),
}

impl fmt::Display for VerifyProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begins { items, bytes, read_units } => {
                let units = bytes.div_ceil(4_096).max(1);
                let time = Duration::from_secs(units.div_ceil(u64::from(read_units.get())));
                write!(
                    f,
                    "about {items} items of {bytes} bytes in all, as AWS has counted within six hours: {units} read units, \
                     and {time:?} at {read_units} a second"
                )
            }
            Self::Reads(Verified { resources, commits, read_units, .. }) => {
                write!(f, "{commits} commits of {resources} resources, {read_units} read units")
            }
        }
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Histories.
    pub resources: u64,
    /// Items that are commits.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// What it took.
    pub read_units: f64,
}

/// A table that is about to be verified.
#[must_use = "nothing is read before it is sent"]
pub struct Verify {
    table: Table,
    read_units: NonZeroU32,
    on_progress: Option<OnProgress>,
}

impl Verify {
    /// The most read units that it takes in a second, after the first request; 1,000 unless set.
    pub fn read_units(self, a_second: NonZeroU32) -> Self {
        Self { read_units: a_second, ..self }
    }

    /// Has `on_progress` told what is going on, about once a second.
    pub fn on_progress(self, on_progress: impl FnMut(&VerifyProgress) + Send + 'static) -> Self {
        Self { on_progress: Some(Box::new(on_progress)), ..self }
    }

    /// Reads it: a read unit for each 4 KB of the table. Needs the permissions `dynamodb:DescribeTable` and `dynamodb:Scan`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured) when there is no such table, or it is none
    /// of events; those of reading it. What is wrong with what is in it is no error, but found.
    pub async fn send(mut self) -> Result<Verification, StoreError> {
        let table = self.table.ask_table().await?;
        if Kind::by_sort_key(sort_key(&table)) != Kind::Events {
            return Err(Error::NotOfEvents { table: Arc::clone(&self.table.name) }.into());
        }
        let count =
            |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
        self.tell(&VerifyProgress::Begins {
            items: count(table.item_count),
            bytes: count(table.table_size_bytes),
            read_units: self.read_units,
        });
        let meter = Meter::new();
        let table = ResourceTable {
            dynamodb: self.table.dynamodb.clone(),
            name: Arc::clone(&self.table.name),
            resource_type: "resource".into(),
            observer: Some(Arc::new(meter.observer())),
            identity: self.table.dynamodb.identity(&self.table.name),
        };
        let (begun, mut told) = (Instant::now(), Instant::now());
        let mut histories = Histories::new(MOST_TOLD);
        let mut items = pages::items(table.clone(), Source::Segment { segment: 0, of: 1, behind: None });
        while let Some(item) = items.try_next().await? {
            histories.take(item, &table);
            let read_units = meter.read().read_units;
            if told.elapsed() >= Duration::from_secs(1) {
                told = Instant::now();
                self.tell(&VerifyProgress::Reads(Verified { read_units, ..histories.verified() }));
            }
            sleep_until(begun + Duration::from_secs_f64(read_units / f64::from(self.read_units.get()))).await;
        }
        let verified = Verified { read_units: meter.read().read_units, ..histories.verified() };
        self.tell(&VerifyProgress::Reads(verified));
        let (broken, untold) = histories.into_broken();
        Ok(Verification { table: self.table.name.to_string(), verified, broken, untold })
    }

    fn tell(&mut self, progress: &VerifyProgress) {
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(progress);
        }
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verify").field(&self.table).finish()
    }
}

/// What was found in a table. Displayed, it has a line or two for each history that is not whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The table's name.
    pub table: String,
    /// What was read.
    #[serde(flatten)]
    pub verified: Verified,
    /// The histories that are not whole, the first 10,000 of them.
    pub broken: Vec<BrokenHistory>,
    /// How many more there are.
    pub untold: u64,
}

impl Verification {
    /// Whether every history is whole.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.broken.is_empty()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for broken in &self.broken {
            writeln!(f, "{broken}\n  {}", broken.mend())?;
        }
        if self.untold > 0 {
            writeln!(f, "and {} more", self.untold)?;
        }
        let Verified { resources, commits, events, .. } = self.verified;
        write!(
            f,
            "{}{events} events in {commits} commits of {resources} resources",
            if self.passed() { "" } else { "\n" }
        )
    }
}
