//! The requests that are about a table and not about its items. [`Known`] is an answer that not everybody gets.

use std::{collections::BTreeMap, fmt};

use aws_sdk_dynamodb::types::{
    PointInTimeRecoveryDescription, PointInTimeRecoverySpecification, TableDescription, Tag,
    TimeToLiveDescription,
};
use serde::Serialize;

use super::{Table, name};
use crate::{
    error::{Error, Fault},
    request::Pending,
};

/// A detail of a table that takes a request of its own, and a permission of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known<T> {
    /// What it is.
    Known(T),
    /// The service does not offer it: DynamoDB Local lacks much of what is not about items.
    NotOffered,
    /// Whoever asks lacks this permission.
    NotPermitted(&'static str),
}

impl<T> Known<T> {
    /// What an answer means, when this permission is needed for it.
    fn from_answer(answer: Result<T, Error>, permission: &'static str) -> Result<Self, Error> {
        match answer {
            Ok(answer) => Ok(Self::Known(answer)),
            Err(Error::Refused { source, .. }) if source.code == "UnknownOperationException" => {
                Ok(Self::NotOffered)
            }
            Err(Error::Denied { source, .. }) if source.code == "AccessDeniedException" => {
                Ok(Self::NotPermitted(permission))
            }
            Err(error) => Err(error),
        }
    }

    /// The same detail by reference.
    #[must_use]
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Known(known) => Known::Known(known),
            Self::NotOffered => Known::NotOffered,
            Self::NotPermitted(permission) => Known::NotPermitted(permission),
        }
    }

    /// Makes something of what is known.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Known(known) => Known::Known(f(known)),
            Self::NotOffered => Known::NotOffered,
            Self::NotPermitted(permission) => Known::NotPermitted(permission),
        }
    }
}

/// What is known, or why it is not.
impl<T: fmt::Display> fmt::Display for Known<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::NotOffered => f.write_str("not offered here"),
            Self::NotPermitted(permission) => write!(f, "not known: {permission} is not permitted"),
        }
    }
}

/// Names the request, sends it, and says what its error means.
macro_rules! ask {
    ($table:expr, $operation:literal, $request:expr) => {{
        let pending = Pending::unreported(&$table.dynamodb, $operation, &$table.name, $table.kind);
        let answer = $request.customize().interceptor(pending.attempts()).send().await;
        answer.map_err(|error| pending.failed(error))
    }};
}

impl Table {
    /// `DescribeTable`.
    pub(super) async fn ask_table(&self) -> Result<TableDescription, Error> {
        name::check_existing(&self.name)?;
        let request = self.dynamodb.client().describe_table().table_name(&*self.name);
        let answer = ask!(self, "DescribeTable", request)?;
        Ok(answer.table.unwrap_or_else(|| TableDescription::builder().build()))
    }

    /// `DescribeContinuousBackups`.
    pub(super) async fn ask_recovery(&self) -> Result<Known<Option<PointInTimeRecoveryDescription>>, Error> {
        let request = self.dynamodb.client().describe_continuous_backups().table_name(&*self.name);
        let answer = ask!(self, "DescribeContinuousBackups", request);
        let answer = answer.map(|answer| {
            answer
                .continuous_backups_description
                .and_then(|backups| backups.point_in_time_recovery_description)
        });
        Known::from_answer(answer, "dynamodb:DescribeContinuousBackups")
    }

    /// `UpdateContinuousBackups`, which turns point-in-time recovery on. Not to be permitted is an error here.
    pub(super) async fn ask_to_recover(&self) -> Result<Known<()>, Error> {
        let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let recovery = recovery.build().expect("whether it is enabled is set");
        let request = self.dynamodb.client().update_continuous_backups();
        let request = request.table_name(&*self.name).point_in_time_recovery_specification(recovery);
        match ask!(self, "UpdateContinuousBackups", request) {
            Err(error @ Error::Denied { .. }) => Err(error),
            answer => Known::from_answer(answer.map(|_| ()), "dynamodb:UpdateContinuousBackups"),
        }
    }

    /// `DescribeTimeToLive`.
    pub(super) async fn ask_time_to_live(&self) -> Result<Known<Option<TimeToLiveDescription>>, Error> {
        let request = self.dynamodb.client().describe_time_to_live().table_name(&*self.name);
        let answer = ask!(self, "DescribeTimeToLive", request);
        Known::from_answer(
            answer.map(|answer| answer.time_to_live_description),
            "dynamodb:DescribeTimeToLive",
        )
    }

    /// `ListTagsOfResource`, to the last page.
    pub(super) async fn ask_tags(&self, arn: &str) -> Result<Known<BTreeMap<String, String>>, Error> {
        let mut tags = BTreeMap::new();
        let mut next = None;
        loop {
            let request = self.dynamodb.client().list_tags_of_resource();
            let request = request.resource_arn(arn).set_next_token(next);
            let answer = ask!(self, "ListTagsOfResource", request);
            let page = match Known::from_answer(answer, "dynamodb:ListTagsOfResource")? {
                Known::Known(page) => page,
                unknown => return Ok(unknown.map(|_| tags)),
            };
            tags.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
            next = page.next_token;
            if next.is_none() {
                return Ok(Known::Known(tags));
            }
        }
    }

    /// `TagResource`.
    pub(super) async fn ask_to_tag(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let request = self.dynamodb.client().tag_resource().resource_arn(arn).set_tags(Some(to_tags(tags)));
        ask!(self, "TagResource", request).map(|_| ())
    }

    /// `UpdateTable`, which turns deletion protection on.
    pub(super) async fn ask_to_protect(&self) -> Result<(), Error> {
        let request = self.dynamodb.client().update_table().table_name(&*self.name);
        let request = request.deletion_protection_enabled(true);
        ask!(self, "UpdateTable", request).map(|_| ())
    }
}

/// As the SDK wants them.
pub(super) fn to_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder().key(key).value(value).build().expect("key and value are set")
    };
    tags.iter().map(tag).collect()
}

/// The code of DynamoDB's own error, if it is one that no other kind of error stands for.
pub(super) fn refusal(error: &Error) -> Option<&Fault> {
    match error {
        Error::Refused { source, .. } => Some(source),
        _ => None,
    }
}
