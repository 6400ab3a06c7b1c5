//! [`Description`]: what there is to know about a table.

use std::{collections::BTreeMap, time::SystemTime};

use aws_event_sourcing_core::{StoreError, Timestamp};
use aws_sdk_dynamodb::{
    primitives::DateTime,
    types::{
        AttributeDefinition, IndexStatus, KeySchemaElement, PointInTimeRecoveryDescription,
        PointInTimeRecoveryStatus, Projection, ProjectionType, ProvisionedThroughputDescription,
        StreamViewType, TableDescription,
    },
};
use serde::Serialize;

use super::{
    Table,
    ask::Known,
    definition::Kind,
    requirement::{describe_key, is_on_demand, sort_key, status},
};
use crate::error::Error;

impl Table {
    /// What there is to know about the table. Three requests: `DescribeTable`, `DescribeContinuousBackups` and
    /// `ListTagsOfResource`. A detail for which a permission is missing [says so](Known::NotPermitted).
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured) when there is no such table;
    /// [`Denied`](aws_event_sourcing_core::StoreErrorKind::Denied) without credentials or the permission
    /// `dynamodb:DescribeTable`; [`Unavailable`](aws_event_sourcing_core::StoreErrorKind::Unavailable) when DynamoDB
    /// cannot be reached.
    pub async fn describe(&self) -> Result<Description, StoreError> {
        Ok(self.gather().await?)
    }

    async fn gather(&self) -> Result<Description, Error> {
        let table = self.ask_table().await?;
        let arn = table.table_arn.clone().unwrap_or_default();
        let recovery = self.ask_recovery().await?;
        let tags = self.ask_tags(&arn).await?;
        Ok(Description {
            name: table.table_name.clone().unwrap_or_else(|| self.name.to_string()),
            arn,
            region: self.dynamodb.region().to_owned(),
            kind: Kind::by_sort_key(sort_key(&table)),
            status: status(&table).to_owned(),
            created: table.creation_date_time.and_then(timestamp),
            key: describe_key(table.key_schema(), table.attribute_definitions()),
            items: count(table.item_count),
            bytes: count(table.table_size_bytes),
            billing: billing(&table),
            indexes: indexes(&table),
            stream: stream(&table),
            point_in_time_recovery: recovery.map(|description| description.as_ref().and_then(to_recovery)),
            deletion_protection: table.deletion_protection_enabled.map_or(Known::NotOffered, Known::Known),
            tags,
        })
    }
}

/// What there is to know about a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// Its name.
    #[serde(rename = "table")]
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The region of the connection.
    pub region: String,
    /// What it is for, by its key.
    pub kind: Kind,
    /// `ACTIVE`, `CREATING`, `UPDATING`, … as the service says it.
    pub status: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Partition key and sort key: `id S, number N`.
    pub key: String,
    /// How many items: one for each commit, in a table of events. AWS counts about every six hours.
    pub items: u64,
    /// Size of the items. AWS measures about every six hours.
    pub bytes: u64,
    /// How it is billed.
    pub billing: Billing,
    /// Its indexes, by name.
    pub indexes: Vec<Index>,
    /// Its stream, if it has one.
    pub stream: Option<Stream>,
    /// To which moments it can be restored; `None` when point-in-time recovery is off.
    pub point_in_time_recovery: Known<Option<Recovery>>,
    /// Whether the service refuses to delete it.
    pub deletion_protection: Known<bool>,
    /// Its tags.
    pub tags: Known<BTreeMap<String, String>>,
}

/// How a table is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Billing {
    /// By what is read and written.
    OnDemand,
    /// By the capacity that is held ready.
    Provisioned {
        /// Read units a second.
        read_units: u64,
        /// Write units a second.
        write_units: u64,
    },
}

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Global or local.
    pub kind: IndexKind,
    /// Its partition key and sort key: `shard S, at S`.
    pub key: String,
    /// What an entry holds: `KEYS_ONLY`, `INCLUDE` or `ALL`.
    pub projection: String,
    /// Its status; a local index has none of its own.
    pub status: Option<String>,
    /// How many entries. AWS counts about every six hours.
    pub items: u64,
    /// Size of the entries. AWS measures about every six hours.
    pub bytes: u64,
}

/// What sort of index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexKind {
    /// With a partition key of its own.
    Global,
    /// With the table's partition key.
    Local,
}

/// A table's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stream {
    /// Its ARN, which a Lambda function is connected to.
    pub arn: String,
    /// What a record holds: `NEW_IMAGE`, …
    pub view: String,
}

/// Between which moments a table can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recovery {
    /// The earliest; none for the first minutes.
    pub earliest: Option<Timestamp>,
    /// The latest, about five minutes ago; none for the first minutes.
    pub latest: Option<Timestamp>,
    /// How far back, in days.
    pub days: Option<u32>,
}

fn timestamp(at: DateTime) -> Option<Timestamp> {
    SystemTime::try_from(at).ok().map(Timestamp::from)
}

/// A number that the service leaves out when it has not counted yet.
fn count(number: Option<i64>) -> u64 {
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

fn billing(table: &TableDescription) -> Billing {
    if is_on_demand(table) {
        return Billing::OnDemand;
    }
    let provisioned = table.provisioned_throughput.as_ref();
    Billing::Provisioned {
        read_units: count(provisioned.and_then(ProvisionedThroughputDescription::read_capacity_units)),
        write_units: count(provisioned.and_then(ProvisionedThroughputDescription::write_capacity_units)),
    }
}

fn indexes(table: &TableDescription) -> Vec<Index> {
    let attributes = table.attribute_definitions();
    let global = table.global_secondary_indexes().iter().map(|index| Index {
        name: index.index_name.clone().unwrap_or_default(),
        kind: IndexKind::Global,
        key: key(index.key_schema(), attributes),
        projection: projection(index.projection.as_ref()),
        status: index.index_status.as_ref().map(|status| IndexStatus::as_str(status).to_owned()),
        items: count(index.item_count),
        bytes: count(index.index_size_bytes),
    });
    let local = table.local_secondary_indexes().iter().map(|index| Index {
        name: index.index_name.clone().unwrap_or_default(),
        kind: IndexKind::Local,
        key: key(index.key_schema(), attributes),
        projection: projection(index.projection.as_ref()),
        status: None,
        items: count(index.item_count),
        bytes: count(index.index_size_bytes),
    });
    let mut indexes: Vec<_> = global.chain(local).collect();
    indexes.sort_by(|one, other| one.name.cmp(&other.name));
    indexes
}

fn key(key: &[KeySchemaElement], attributes: &[AttributeDefinition]) -> String {
    describe_key(key, attributes)
}

fn projection(projection: Option<&Projection>) -> String {
    let kind = projection.and_then(|projection| projection.projection_type.as_ref());
    kind.map_or_else(String::new, |kind| ProjectionType::as_str(kind).to_owned())
}

fn stream(table: &TableDescription) -> Option<Stream> {
    let specification = table.stream_specification.as_ref().filter(|stream| stream.stream_enabled)?;
    Some(Stream {
        arn: table.latest_stream_arn.clone().unwrap_or_default(),
        view: specification
            .stream_view_type
            .as_ref()
            .map_or_else(String::new, |view| StreamViewType::as_str(view).to_owned()),
    })
}

fn to_recovery(description: &PointInTimeRecoveryDescription) -> Option<Recovery> {
    let is_on =
        description.point_in_time_recovery_status.as_ref() == Some(&PointInTimeRecoveryStatus::Enabled);
    is_on.then(|| Recovery {
        earliest: description.earliest_restorable_date_time.and_then(timestamp),
        latest: description.latest_restorable_date_time.and_then(timestamp),
        days: description.recovery_period_in_days.and_then(|days| u32::try_from(days).ok()),
    })
}
