//! What a table has to be, compared with what one is. No requests: what was asked is judged here.

use std::fmt;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndexDescription, IndexStatus, KeySchemaElement,
    KeyType, MultiRegionConsistency, PointInTimeRecoveryDescription, PointInTimeRecoveryStatus,
    ProjectionType, ScalarAttributeType, StreamViewType, TableDescription, TableStatus,
    TimeToLiveDescription, TimeToLiveStatus,
};
use serde::Serialize;

use super::{
    ask::Known,
    definition::{Key, LISTING, LISTING_KEY, TABLE_KEY, TOGETHER, TOGETHER_KEY},
};

/// Something that the table of a resource type has to be or have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Requirement {
    /// It exists and can be used.
    Active,
    /// The partition key is `id`, a string, and the sort key `number`, a number: one item for each commit, a resource's
    /// in order.
    Key,
    /// The index `listing`: resources by creation time.
    ListingIndex,
    /// A local index: it keeps each resource in one shard of the stream.
    LocalIndex,
    /// The stream carries new images: subscriptions.
    Stream,
    /// The table can be restored as it was at any second of the last weeks.
    PointInTimeRecovery,
    /// No time-to-live, which would delete events.
    NoTimeToLive,
    /// It is written in one region: conditions do not hold across several.
    OneRegion,
    /// Billed on demand: nothing to plan, nothing to pay when idle.
    OnDemand,
    /// It is not deleted by accident.
    DeletionProtection,
}

impl Requirement {
    /// What it is called, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Active => "table",
            Self::Key => "key",
            Self::ListingIndex => "listing index",
            Self::LocalIndex => "local index",
            Self::Stream => "stream",
            Self::PointInTimeRecovery => "point-in-time recovery",
            Self::NoTimeToLive => "time to live",
            Self::OneRegion => "one region",
            Self::OnDemand => "billing",
            Self::DeletionProtection => "deletion protection",
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// Whether a requirement is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It is.
    Kept,
    /// The service does not offer it, as DynamoDB Local does not offer everything. Nothing can be done.
    NotOffered,
    /// It is not, and the store works; something else would be better.
    Advice,
    /// It could not be looked at: a permission is missing.
    Unknown,
    /// Not yet: the table or its index is still being made.
    NotYet,
    /// It is not, and the store would break a promise.
    Broken,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kept => "ok",
            Self::NotOffered => "not offered",
            Self::Advice => "advice",
            Self::Unknown => "unknown",
            Self::NotYet => "not yet",
            Self::Broken => "WRONG",
        })
    }
}

/// A requirement, whether it is kept, and what was found.
///
/// Displayed, it is one line: what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What is required.
    pub requirement: Requirement,
    /// Whether it is kept.
    pub verdict: Verdict,
    /// What is there, in a few words.
    pub found: String,
    /// What to do about it, if anything.
    pub advice: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, advice, .. } = self;
        match advice {
            Some(advice) => write!(f, "{found}: {advice}"),
            None => f.write_str(found),
        }
    }
}

impl Finding {
    fn kept(requirement: Requirement, found: impl Into<String>) -> Self {
        Self { requirement, verdict: Verdict::Kept, found: found.into(), advice: None }
    }

    fn not_offered(requirement: Requirement) -> Self {
        let found = "not offered here".to_owned();
        Self { requirement, verdict: Verdict::NotOffered, found, advice: None }
    }

    fn advice(requirement: Requirement, found: impl Into<String>, advice: impl Into<String>) -> Self {
        let (found, advice) = (found.into(), Some(advice.into()));
        Self { requirement, verdict: Verdict::Advice, found, advice }
    }

    fn unknown(requirement: Requirement, permission: &'static str) -> Self {
        let found = "could not be looked at".to_owned();
        let advice = Some(format!("the permission {permission} is missing"));
        Self { requirement, verdict: Verdict::Unknown, found, advice }
    }

    fn broken(requirement: Requirement, found: impl Into<String>, advice: impl Into<String>) -> Self {
        let (found, advice) = (found.into(), Some(advice.into()));
        Self { requirement, verdict: Verdict::Broken, found, advice }
    }

    fn not_yet(requirement: Requirement, found: impl Into<String>) -> Self {
        let advice = Some("wait until it is ACTIVE".to_owned());
        Self { requirement, verdict: Verdict::NotYet, found: found.into(), advice }
    }

    /// That there is no such table.
    pub(super) fn missing(table: &str, place: &str) -> Self {
        let advice = format!("`eventctl table create {table}` makes it");
        Self::broken(Requirement::Active, format!("there is none in {place}"), advice)
    }
}

/// What a table's own description says about all that it has to be.
pub(super) fn judge(table: &TableDescription) -> Vec<Finding> {
    vec![active(table), key(table), listing_index(table), local_index(table), stream(table)]
}

/// What a table's own description says about all that would be better.
pub(super) fn advise(table: &TableDescription) -> Vec<Finding> {
    vec![one_region(table), on_demand(table), deletion_protection(table)]
}

/// The status as the service writes it.
pub(super) fn status(table: &TableDescription) -> &str {
    table.table_status.as_ref().map_or("without a status", TableStatus::as_str)
}

fn active(table: &TableDescription) -> Finding {
    let requirement = Requirement::Active;
    let status_text = status(table);
    match &table.table_status {
        Some(TableStatus::Active) => Finding::kept(requirement, status_text),
        // It can be read and written all the while.
        Some(TableStatus::Updating) => Finding::kept(requirement, status_text),
        Some(TableStatus::Creating) => Finding::not_yet(requirement, status_text),
        Some(TableStatus::Deleting) => {
            Finding::broken(requirement, status_text, "wait until it is gone, and make it again")
        }
        Some(TableStatus::InaccessibleEncryptionCredentials) => {
            Finding::broken(requirement, status_text, "give DynamoDB back its access to the table's KMS key")
        }
        Some(TableStatus::Archived | TableStatus::Archiving) => {
            Finding::broken(requirement, status_text, "restore it from the backup that AWS made of it")
        }
        _ => Finding::broken(requirement, status_text, "it has to be ACTIVE"),
    }
}

fn key(table: &TableDescription) -> Finding {
    let requirement = Requirement::Key;
    let found = describe_key(table.key_schema(), table.attribute_definitions());
    let needed = describe_needed(&TABLE_KEY);
    if found == needed {
        return Finding::kept(requirement, found);
    }
    let advice = format!("it has to be {needed}, and a key cannot be changed: use another table");
    Finding::broken(requirement, found, advice)
}

fn listing_index(table: &TableDescription) -> Finding {
    let requirement = Requirement::ListingIndex;
    let needed = describe_needed(&LISTING_KEY);
    let index = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(LISTING));
    let Some(index) = index else {
        let advice = format!("add a global index `{LISTING}` on {needed}, projecting the keys only");
        return Finding::broken(requirement, "missing", advice);
    };
    let found = describe_key(index.key_schema(), table.attribute_definitions());
    if found != needed {
        let advice = format!("it has to be on {needed}: delete it and add it again");
        return Finding::broken(requirement, format!("on {found}"), advice);
    }
    match &index.index_status {
        Some(IndexStatus::Active | IndexStatus::Updating) => {}
        Some(IndexStatus::Creating) => return Finding::not_yet(requirement, describe_status(index)),
        _ => return Finding::broken(requirement, describe_status(index), "it has to be ACTIVE"),
    }
    let projected = index.projection.as_ref().and_then(|projection| projection.projection_type());
    match projected {
        Some(ProjectionType::KeysOnly) | None => Finding::kept(requirement, format!("on {found}, keys only")),
        Some(more) => Finding::advice(
            requirement,
            format!("on {found}, projecting {more}"),
            "the keys are all that is read: the rest costs storage and write units",
        ),
    }
}

/// Any local index does: it has the table's partition key, and keeps its items together.
fn local_index(table: &TableDescription) -> Finding {
    let requirement = Requirement::LocalIndex;
    let indexes = table.local_secondary_indexes();
    let [_, (never, _)] = TOGETHER_KEY;
    let is_never_written =
        |key: &[KeySchemaElement]| key.iter().any(|element| element.attribute_name() == never);
    let name_of = |name: Option<&str>| name.unwrap_or("without a name").to_owned();
    if let Some(written) = indexes.iter().find(|index| !is_never_written(index.key_schema())) {
        return Finding::advice(
            requirement,
            format!(
                "{} on {}",
                name_of(written.index_name()),
                describe_key(written.key_schema(), table.attribute_definitions())
            ),
            format!("one on {}, which no item has, costs nothing", describe_needed(&TOGETHER_KEY)),
        );
    }
    match indexes.first() {
        Some(index) => Finding::kept(
            requirement,
            format!(
                "{} on {}",
                name_of(index.index_name()),
                describe_key(index.key_schema(), table.attribute_definitions())
            ),
        ),
        None => Finding::broken(
            requirement,
            "missing",
            format!(
                "without one (`{TOGETHER}` on {}) a resource's events can reach subscriptions out of order, and it can \
                 only be declared when a table is made: make another table",
                describe_needed(&TOGETHER_KEY)
            ),
        ),
    }
}

fn stream(table: &TableDescription) -> Finding {
    let requirement = Requirement::Stream;
    let stream = table.stream_specification.as_ref().filter(|stream| stream.stream_enabled);
    let Some(stream) = stream else {
        return Finding::broken(requirement, "off", "turn it on with the view NEW_IMAGE");
    };
    let view = stream.stream_view_type.as_ref();
    let found = view.map_or("without a view", StreamViewType::as_str);
    match view {
        Some(StreamViewType::NewImage | StreamViewType::NewAndOldImages) => Finding::kept(requirement, found),
        _ => Finding::broken(
            requirement,
            found,
            "a view cannot be changed: turn the stream off, and on again with the view NEW_IMAGE",
        ),
    }
}

/// Whether it can be restored.
pub(super) fn recovery(recovery: &Known<Option<PointInTimeRecoveryDescription>>) -> Finding {
    let requirement = Requirement::PointInTimeRecovery;
    match recovery {
        Known::NotOffered => Finding::not_offered(requirement),
        Known::NotPermitted(permission) => Finding::unknown(requirement, permission),
        Known::Known(recovery) => {
            let status =
                recovery.as_ref().and_then(|recovery| recovery.point_in_time_recovery_status.as_ref());
            if status == Some(&PointInTimeRecoveryStatus::Enabled) {
                Finding::kept(requirement, "on")
            } else {
                Finding::broken(
                    requirement,
                    "off",
                    "turn it on, or run `eventctl table create` again, which does it",
                )
            }
        }
    }
}

/// Whether something deletes items.
pub(super) fn no_time_to_live(time_to_live: &Known<Option<TimeToLiveDescription>>) -> Finding {
    let requirement = Requirement::NoTimeToLive;
    match time_to_live {
        Known::NotOffered => Finding::not_offered(requirement),
        Known::NotPermitted(permission) => Finding::unknown(requirement, permission),
        Known::Known(time_to_live) => {
            let on = time_to_live.as_ref().filter(|time_to_live| {
                let status = time_to_live.time_to_live_status.as_ref();
                matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
            });
            match on {
                None => Finding::kept(requirement, "off"),
                Some(on) => Finding::broken(
                    requirement,
                    format!("on, by the attribute {:?}", on.attribute_name().unwrap_or_default()),
                    "turn it off: it would delete events",
                ),
            }
        }
    }
}

fn one_region(table: &TableDescription) -> Finding {
    let requirement = Requirement::OneRegion;
    let others: Vec<_> = table.replicas().iter().filter_map(|replica| replica.region_name()).collect();
    if others.is_empty() {
        return Finding::kept(requirement, "no replicas");
    }
    let found = format!("replicas in {}", others.join(", "));
    if table.multi_region_consistency == Some(MultiRegionConsistency::Strong) {
        return Finding::kept(requirement, format!("{found}, strongly consistent"));
    }
    Finding::advice(requirement, found, "write in one region only: elsewhere a commit can replace another")
}

/// How it is billed. A table that has always had provisioned capacity does not say so.
pub(super) fn is_on_demand(table: &TableDescription) -> bool {
    let mode = table.billing_mode_summary.as_ref().and_then(|billing| billing.billing_mode.as_ref());
    mode == Some(&BillingMode::PayPerRequest)
}

fn on_demand(table: &TableDescription) -> Finding {
    if is_on_demand(table) {
        return Finding::kept(Requirement::OnDemand, "on demand");
    }
    Finding::advice(
        Requirement::OnDemand,
        "provisioned capacity",
        "on demand needs no planning, and is not throttled at a fixed rate",
    )
}

fn deletion_protection(table: &TableDescription) -> Finding {
    let requirement = Requirement::DeletionProtection;
    match table.deletion_protection_enabled {
        None => Finding::not_offered(requirement),
        Some(true) => Finding::kept(requirement, "on"),
        Some(false) => Finding::advice(requirement, "off", "turn it on where the events matter"),
    }
}

fn describe_status(index: &GlobalSecondaryIndexDescription) -> String {
    index.index_status.as_ref().map_or("without a status", IndexStatus::as_str).to_owned()
}

/// A key in words: `id S, number N`.
pub(super) fn describe_key(key: &[KeySchemaElement], attributes: &[AttributeDefinition]) -> String {
    let of_kind = |kind: KeyType| key.iter().filter(move |element| *element.key_type() == kind);
    let describe = |element: &KeySchemaElement| {
        let name = element.attribute_name();
        let definition = attributes.iter().find(|attribute| attribute.attribute_name() == name);
        let kind = definition.map_or("?", |definition| definition.attribute_type().as_str());
        format!("{name} {kind}")
    };
    let parts: Vec<_> = of_kind(KeyType::Hash).chain(of_kind(KeyType::Range)).map(describe).collect();
    parts.join(", ")
}

fn describe_needed(key: &Key) -> String {
    let describe = |(name, kind): &(&str, ScalarAttributeType)| format!("{name} {kind}");
    key.iter().map(describe).collect::<Vec<_>>().join(", ")
}
