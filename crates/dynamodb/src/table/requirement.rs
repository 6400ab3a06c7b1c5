//! What a table has to be, compared with what one is. No requests: what was asked is judged here.

use std::fmt;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndexDescription, IndexStatus, KeySchemaElement,
    KeyType, MultiRegionConsistency, PointInTimeRecoveryDescription, PointInTimeRecoveryStatus,
    ScalarAttributeType, StreamViewType, TableDescription, TableStatus, TimeToLiveDescription,
    TimeToLiveStatus,
};
use serde::{Serialize, Serializer};

use super::{
    ask::Known,
    definition::{GlobalIndex, Key, Kind, TOGETHER, TOGETHER_KEY},
};

/// Something that a table has to be or have. Serialized, it is its title in snake case: `listing_index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Requirement {
    /// It exists and can be used.
    Active,
    /// The partition key is `id`, a string. The sort key is, for events, `number`, a number: one item for each commit, a
    /// resource's in order; for subscriptions `part`, a string.
    Key,
    /// The index `listing` of events: resources by creation time.
    ListingIndex,
    /// The index `parked` of subscriptions: what waits to be tried again, by time.
    ParkedIndex,
    /// A local index of events: it keeps each resource in one shard of the stream.
    LocalIndex,
    /// The stream of events carries new images: what subscriptions follow.
    Stream,
    /// The table can be restored as it was at any second of the last weeks.
    PointInTimeRecovery,
    /// No time-to-live, which would delete items.
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
            Self::ParkedIndex => "parked index",
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

impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&in_snake_case(self))
    }
}

/// Whether a requirement is kept. Serialized, it is what it is displayed as, in snake case: `not_offered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It is.
    Kept,
    /// The service does not offer it, as DynamoDB Local does not offer everything. Nothing can be done.
    NotOffered,
    /// It is not, and all works; something else would be better.
    Advice,
    /// It could not be looked at: a permission is missing.
    Unknown,
    /// Not yet: the table or its index is still being made.
    NotYet,
    /// It is not, and a promise would be broken.
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

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&in_snake_case(self))
    }
}

/// What people read, as programs get it: a word that means one thing must not be another there.
fn in_snake_case(words: &impl fmt::Display) -> String {
    words.to_string().to_lowercase().replace([' ', '-'], "_")
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
    pub(super) fn missing(table: &str, kind: Kind, place: &str) -> Self {
        let advice = format!("`eventctl table create {table}{}` makes it", kind.flag());
        Self::broken(Requirement::Active, format!("there is none in {place}"), advice)
    }
}

/// What a table's own description says about all that it has to be.
pub(super) fn judge(kind: Kind, table: &TableDescription) -> Vec<Finding> {
    let mut findings = vec![active(table), key(kind, table), global_index(kind, table)];
    if kind == Kind::Events {
        findings.extend([local_index(table), stream(table)]);
    }
    findings
}

/// What a table's own description says about all that would be better.
pub(super) fn advise(kind: Kind, table: &TableDescription) -> Vec<Finding> {
    vec![one_region(kind, table), on_demand(table), deletion_protection(kind, table)]
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

fn key(kind: Kind, table: &TableDescription) -> Finding {
    let requirement = Requirement::Key;
    let found = describe_key(table.key_schema(), table.attribute_definitions());
    let needed = describe_needed(&kind.key());
    if found == needed {
        return Finding::kept(requirement, found);
    }
    let advice = format!("it has to be {needed}, and a key cannot be changed: use another table");
    Finding::broken(requirement, found, advice)
}

fn global_index(kind: Kind, table: &TableDescription) -> Finding {
    let GlobalIndex { name, key, projection } = kind.global_index();
    let (requirement, projecting) = match kind {
        Kind::Events => (Requirement::ListingIndex, "the keys only"),
        Kind::Subscriptions => (Requirement::ParkedIndex, "all attributes"),
    };
    let needed = describe_needed(&key);
    let index = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(name));
    let Some(index) = index else {
        let advice = format!("add a global index `{name}` on {needed}, projecting {projecting}");
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
        Some(projected) if *projected != projection => {
            let found = format!("on {found}, projecting {projected}");
            match kind {
                Kind::Events => Finding::advice(
                    requirement,
                    found,
                    "the keys are all that is read: the rest costs storage and write units",
                ),
                Kind::Subscriptions => Finding::broken(
                    requirement,
                    found,
                    "all attributes are read from it: delete it and add it again, projecting ALL",
                ),
            }
        }
        _ => Finding::kept(requirement, format!("on {found}, {}", projecting.trim_start_matches("the "))),
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
pub(super) fn no_time_to_live(kind: Kind, time_to_live: &Known<Option<TimeToLiveDescription>>) -> Finding {
    let requirement = Requirement::NoTimeToLive;
    match time_to_live {
        Known::NotOffered => Finding::not_offered(requirement),
        Known::NotPermitted(permission) => Finding::unknown(requirement, permission),
        Known::Known(time_to_live) => {
            let on = time_to_live.as_ref().filter(|time_to_live| {
                let status = time_to_live.time_to_live_status.as_ref();
                matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
            });
            let what = match kind {
                Kind::Events => "events",
                Kind::Subscriptions => "what is known of subscriptions",
            };
            match on {
                None => Finding::kept(requirement, "off"),
                Some(on) => Finding::broken(
                    requirement,
                    format!("on, by the attribute {:?}", on.attribute_name().unwrap_or_default()),
                    format!("turn it off: it would delete {what}"),
                ),
            }
        }
    }
}

fn one_region(kind: Kind, table: &TableDescription) -> Finding {
    let requirement = Requirement::OneRegion;
    let others: Vec<_> = table.replicas().iter().filter_map(|replica| replica.region_name()).collect();
    if others.is_empty() {
        return Finding::kept(requirement, "no replicas");
    }
    let found = format!("replicas in {}", others.join(", "));
    if table.multi_region_consistency == Some(MultiRegionConsistency::Strong) {
        return Finding::kept(requirement, format!("{found}, strongly consistent"));
    }
    let what = match kind {
        Kind::Events => "a commit",
        Kind::Subscriptions => "a record",
    };
    let advice = format!("write in one region only: elsewhere {what} can replace another");
    Finding::advice(requirement, found, advice)
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

fn deletion_protection(kind: Kind, table: &TableDescription) -> Finding {
    let requirement = Requirement::DeletionProtection;
    match table.deletion_protection_enabled {
        None => Finding::not_offered(requirement),
        Some(true) => Finding::kept(requirement, "on"),
        Some(false) => Finding::advice(requirement, "off", format!("turn it on where the {kind} matter")),
    }
}

fn describe_status(index: &GlobalSecondaryIndexDescription) -> String {
    index.index_status.as_ref().map_or("without a status", IndexStatus::as_str).to_owned()
}

/// The name of the sort key; empty when there is none.
pub(super) fn sort_key(table: &TableDescription) -> &str {
    let key = table.key_schema().iter().find(|element| *element.key_type() == KeyType::Range);
    key.map_or("", KeySchemaElement::attribute_name)
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
