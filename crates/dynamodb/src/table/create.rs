//! [`NewTable`]: makes a table, or finds it made, and does not rest until it can be used.
//!
//! Nothing is remembered between two calls. Each looks at what is there and does what is missing, so a call that was
//! interrupted is mended by the next, and two at once end with one table.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use aws_event_sourcing_core::{StoreError, StoreErrorKind};
use aws_sdk_dynamodb::{
    config::retry::RetryConfig,
    error::ProvideErrorMetadata as _,
    types::{BillingMode, TableDescription, TableStatus},
};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    Table,
    ask::{Known, refusal, to_tags},
    definition::{Kind, TAG, key_schema},
    name,
    requirement::{Verdict, judge, status},
};
use crate::{error::Error, request::Pending};

/// Pauses between two looks at a table that is not ready.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Table {
    /// Makes the table: on demand, with its indexes, point-in-time recovery and, for events, a stream.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_event_sourcing_dynamodb::DynamoDb) -> Result<(), Box<dyn std::error::Error>> {
    /// dynamodb.table("products").create().tag("team", "shop").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self) -> NewTable {
        NewTable {
            table: self.clone(),
            tags: BTreeMap::new(),
            deletion_protection: None,
            deadline: Duration::from_secs(300),
            on_progress: None,
        }
    }
}

/// A table to be made.
#[must_use = "nothing is made yet"]
pub struct NewTable {
    table: Table,
    tags: BTreeMap<String, String>,
    deletion_protection: Option<Protect>,
    deadline: Duration,
    on_progress: Option<OnProgress>,
}

/// Is told what is going on.
type OnProgress = Box<dyn FnMut(&Progress) + Send>;

/// Deletion protection is wanted.
struct Protect;

/// What is going on while a table is made. Displayed, it is a short sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The request to make it was accepted.
    Requested,
    /// It is there already, and will do.
    AlreadyThere,
    /// It is not ready. Told after each look, more than once a second at first.
    Waiting {
        /// For what: its status, or why it is not being made yet.
        state: String,
        /// For how long, since the call began.
        elapsed: Duration,
    },
    /// It can be used.
    Active {
        /// Since the call began.
        elapsed: Duration,
    },
    /// Point-in-time recovery is being turned on, or looked at.
    Recovery,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("requested"),
            Self::AlreadyThere => f.write_str("there already"),
            Self::Waiting { state, elapsed } => write!(f, "waiting for {} s: {state}", elapsed.as_secs()),
            Self::Active { elapsed } => write!(f, "ACTIVE after {} s", elapsed.as_secs()),
            Self::Recovery => f.write_str("turning on point-in-time recovery"),
        }
    }
}

/// Whether a table was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was, by this call.
    Made,
    /// It was there, as it has to be.
    AlreadyThere,
}

/// A table that can be used now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Created {
    /// Its name.
    #[serde(rename = "table")]
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The region that it is in.
    pub region: String,
    /// What it is for.
    pub kind: Kind,
    /// Whether this call made it.
    pub outcome: Outcome,
    /// Its tags; those of AWS's own tools and of others included, when the table was there.
    pub tags: Known<BTreeMap<String, String>>,
    /// Whether deletion protection is on.
    pub deletion_protection: Known<bool>,
    /// Whether point-in-time recovery is on. It is, where the service offers it.
    pub point_in_time_recovery: Known<bool>,
}

impl NewTable {
    /// Tags the table. A key that comes again replaces its value. One tag is always set: `aws-event-sourcing` = `events`
    /// or `subscriptions`, unless the caller gives it another value, or may not tag tables and asks for no tags.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Has the service refuse to delete the table until somebody turns this off.
    pub fn deletion_protection(self) -> Self {
        Self { deletion_protection: Some(Protect), ..self }
    }

    /// How long to wait for the table; 5 minutes unless set. It usually takes half a minute on AWS.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Has `on_progress` told what is going on.
    pub fn on_progress(self, on_progress: impl FnMut(&Progress) + Send + 'static) -> Self {
        Self { on_progress: Some(Box::new(on_progress)), ..self }
    }

    /// Makes the table and waits until it can be used. A table that is there and will do is brought to what is asked:
    /// point-in-time recovery, deletion protection and tags are turned on, nothing is turned off. Safe to call again,
    /// after an interruption too, and by several at once.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured) when the name is not one for a table, or
    /// a table of this name will not do; [`Unavailable`](aws_event_sourcing_core::StoreErrorKind::Unavailable) when it
    /// is not ready in time, or DynamoDB cannot be reached;
    /// [`Denied`](aws_event_sourcing_core::StoreErrorKind::Denied) without credentials or permissions
    /// (`dynamodb:CreateTable`, `DescribeTable`, `UpdateContinuousBackups`, `ListTagsOfResource` and `TagResource`).
    pub async fn send(self) -> Result<Created, StoreError> {
        name::check(&self.table.name)?;
        let Self { table, tags, deletion_protection, deadline, on_progress } = self;
        let started = Instant::now();
        let wanted = Wanted { kind: table.kind, tags, deletion_protection };
        let making = Making { table, started, deadline, on_progress, pause: FIRST_PAUSE, outcome: None };
        Ok(making.run(wanted).await?)
    }
}

impl fmt::Debug for NewTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewTable").field(&self.table).finish()
    }
}

/// What the caller wants beyond the definition.
struct Wanted {
    kind: Kind,
    tags: BTreeMap<String, String>,
    deletion_protection: Option<Protect>,
}

impl Wanted {
    /// With the tag that each table has.
    fn all_tags(&self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::from([(TAG.to_owned(), self.kind.to_string())]);
        tags.extend(self.tags.clone());
        tags
    }
}

/// A table on its way.
struct Making {
    table: Table,
    started: Instant,
    deadline: Duration,
    on_progress: Option<OnProgress>,
    pause: Duration,
    /// Known as soon as the table is seen, or the request for it accepted.
    outcome: Option<Outcome>,
}

impl Making {
    async fn run(mut self, wanted: Wanted) -> Result<Created, Error> {
        let description = self.active(&wanted).await?;
        self.tell(&Progress::Active { elapsed: self.started.elapsed() });
        let arn = description.table_arn.clone().unwrap_or_default();
        let tags = self.tag(&wanted, &arn).await?;
        self.tell(&Progress::Recovery);
        let point_in_time_recovery = self.recovery().await?;
        // Last: while the service does this it may change nothing else.
        let deletion_protection = self.protect(&wanted, &description).await?;
        Ok(Created {
            name: self.table.name.to_string(),
            arn,
            region: self.table.dynamodb.region().to_owned(),
            kind: self.table.kind,
            outcome: self.outcome.unwrap_or(Outcome::AlreadyThere),
            tags,
            deletion_protection,
            point_in_time_recovery,
        })
    }

    /// The table, once it can be used.
    async fn active(&mut self, wanted: &Wanted) -> Result<TableDescription, Error> {
        loop {
            let state = match self.table.ask_table().await {
                Err(Error::TableNotFound { .. }) => self.request(wanted).await?,
                Err(error) => return Err(error),
                Ok(found) if found.table_status == Some(TableStatus::Deleting) => status(&found).to_owned(),
                Ok(found) => {
                    let findings = judge(self.table.kind, &found);
                    self.table.refuse_broken(&findings)?;
                    if self.outcome.is_none() {
                        self.outcome = Some(Outcome::AlreadyThere);
                        self.tell(&Progress::AlreadyThere);
                    }
                    // While a table is updated it can be used, but not be changed.
                    let not_yet = findings.iter().find(|finding| finding.verdict == Verdict::NotYet);
                    match not_yet {
                        None if found.table_status == Some(TableStatus::Active) => return Ok(found),
                        None => status(&found).to_owned(),
                        Some(finding) => format!("{}: {}", finding.requirement, finding.found),
                    }
                }
            };
            self.wait(state).await?;
        }
    }

    /// Asks for the table, and says what to wait for now.
    async fn request(&mut self, wanted: &Wanted) -> Result<String, Error> {
        match self.request_with(wanted, &wanted.all_tags()).await {
            // Whoever may make tables, but not tag them, and did not ask for tags.
            Err(Error::Denied { source, .. }) if wanted.tags.is_empty() && source.mentions("TagResource") => {
                self.request_with(wanted, &BTreeMap::new()).await
            }
            answer => answer,
        }
    }

    async fn request_with(
        &mut self,
        wanted: &Wanted,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let Table { dynamodb, name, kind } = &self.table;
        let pending = Pending::unreported(dynamodb, "CreateTable", name, *kind);
        let request = dynamodb
            .client()
            .create_table()
            .table_name(&**name)
            .set_attribute_definitions(Some(kind.attributes()))
            .set_key_schema(Some(key_schema(kind.key())))
            .global_secondary_indexes(kind.global_index().into())
            .set_local_secondary_indexes(kind.local_index().map(|index| vec![index]))
            .billing_mode(BillingMode::PayPerRequest)
            .set_stream_specification(kind.stream())
            .set_deletion_protection_enabled(wanted.deletion_protection.as_ref().map(|Protect| true))
            .set_tags(Some(to_tags(tags)).filter(|tags| !tags.is_empty()));
        // Not tried again by the SDK, which takes a limit for throttling: the loop around this does it, until its own
        // deadline.
        let once = aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled());
        match request.customize().config_override(once).interceptor(pending.attempts()).send().await {
            Ok(_) => {
                self.outcome = Some(Outcome::Made);
                self.tell(&Progress::Requested);
                Ok(TableStatus::Creating.as_str().to_owned())
            }
            Err(error) => match error.code() {
                // Somebody else is making it at the same time, or an attempt of this call's was not answered.
                Some("ResourceInUseException") => Ok("somebody else is making it".to_owned()),
                // Too many tables at once, or altogether: the service has one word for both.
                Some("LimitExceededException") => Ok(error.message().unwrap_or_default().to_owned()),
                _ => match pending.failed(error) {
                    // If it goes on, the next look at the table says so.
                    error if error.kind() == StoreErrorKind::Unavailable => Ok(error.to_string()),
                    error => Err(error),
                },
            },
        }
    }

    /// Turns deletion protection on if it is wanted and is off.
    async fn protect(&mut self, wanted: &Wanted, found: &TableDescription) -> Result<Known<bool>, Error> {
        let Some(is_on) = found.deletion_protection_enabled else { return Ok(Known::NotOffered) };
        match wanted.deletion_protection {
            Some(Protect) if !is_on => {
                self.table.ask_to_protect().await?;
                Ok(Known::Known(true))
            }
            _ => Ok(Known::Known(is_on)),
        }
    }

    /// Sets the tags that are missing. Whoever asked for none does not fail for want of a permission.
    async fn tag(&mut self, wanted: &Wanted, arn: &str) -> Result<Known<BTreeMap<String, String>>, Error> {
        let present = self.table.ask_tags(arn).await?;
        let mut missing = wanted.all_tags();
        match &present {
            Known::NotOffered => return Ok(present),
            // The service took them with the request.
            Known::NotPermitted(_) if self.outcome == Some(Outcome::Made) => return Ok(present),
            Known::NotPermitted(_) => {}
            Known::Known(present) => missing.retain(|key, value| present.get(key) != Some(value)),
        }
        if missing.is_empty() {
            return Ok(present);
        }
        match self.table.ask_to_tag(arn, &missing).await {
            Ok(()) => Ok(present.map(|present| present.into_iter().chain(missing).collect())),
            Err(Error::Denied { .. }) if wanted.tags.is_empty() => Ok(present),
            Err(error) => Err(error),
        }
    }

    /// Turns point-in-time recovery on. The service is not ready for it as soon as a table is made.
    async fn recovery(&mut self) -> Result<Known<bool>, Error> {
        loop {
            match self.table.ask_to_recover().await {
                Ok(answer) => return Ok(answer.map(|()| true)),
                Err(error) => match refusal(&error) {
                    Some(fault)
                        if matches!(
                            &*fault.code,
                            "ContinuousBackupsUnavailableException" | "TableNotFoundException"
                        ) =>
                    {
                        self.wait("point-in-time recovery cannot be turned on yet".to_owned()).await?;
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    /// Waits a while, unless that would be past the deadline.
    async fn wait(&mut self, state: String) -> Result<(), Error> {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        if self.started.elapsed() + pause > self.deadline {
            let table = Arc::clone(&self.table.name);
            return Err(Error::NotReady { table, waited: self.deadline, state });
        }
        self.tell(&Progress::Waiting { state, elapsed: self.started.elapsed() });
        sleep(pause).await;
        Ok(())
    }

    fn tell(&mut self, progress: &Progress) {
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(progress);
        }
    }
}
