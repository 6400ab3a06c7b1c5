//! Whether a table will do, for a service that starts: one request, and one line when it will not.

use std::sync::Arc;

use aws_event_sourcing_core::StoreError;
use aws_sdk_dynamodb::types::TableDescription;

use super::{
    Table,
    requirement::{Finding, Verdict, judge},
};
use crate::error::Error;

impl Table {
    /// Whether the promises can be kept with this table, as far as one `DescribeTable` tells. For a service that
    /// starts: [`check`](Self::check) looks closer.
    ///
    /// # Errors
    ///
    /// One line that names the table and what to do, as the [source](std::error::Error::source) of the error.
    /// [`Misconfigured`](aws_event_sourcing_core::StoreErrorKind::Misconfigured) when there is no such table, or one
    /// with other keys, without one of the indexes or, for events, without a stream;
    /// [`Unavailable`](aws_event_sourcing_core::StoreErrorKind::Unavailable) when it is still being made, or DynamoDB
    /// cannot be reached; [`Denied`](aws_event_sourcing_core::StoreErrorKind::Denied) without credentials or without
    /// the permission `dynamodb:DescribeTable`.
    pub async fn suitable(&self) -> Result<(), StoreError> {
        Ok(self.judge_suitable(&self.ask_table().await?)?)
    }

    fn judge_suitable(&self, table: &TableDescription) -> Result<(), Error> {
        let findings = judge(self.kind, table);
        self.refuse_broken(&findings)?;
        match findings.iter().find(|finding| finding.verdict == Verdict::NotYet) {
            None => Ok(()),
            Some(finding) => Err(Error::NotReadyYet {
                table: Arc::clone(&self.name),
                what: finding.requirement.title(),
                state: finding.found.clone(),
            }),
        }
    }

    /// Refuses a table that will not do, however long one waits.
    pub(super) fn refuse_broken(&self, findings: &[Finding]) -> Result<(), Error> {
        let broken = findings.iter().filter(|finding| finding.verdict == Verdict::Broken);
        let faults: Vec<_> =
            broken.map(|finding| format!("{}: {}", finding.requirement, finding.found)).collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::Unsuitable {
                table: Arc::clone(&self.name),
                kind: self.kind,
                short: faults.join("; "),
            })
        }
    }
}
