//! [`Report`]: a table compared with what it has to be, line by line.

use std::fmt;

use aws_event_sourcing_core::StoreError;
use serde::Serialize;

use super::{
    Table,
    definition::Kind,
    requirement::{Finding, Verdict, advise, judge, no_time_to_live, recovery, sort_key},
};
use crate::error::Error;

impl Table {
    /// Compares the table with what it has to be. One that was taken for a table of events, and has the sort key of a table
    /// of subscriptions, is compared with what that has to be: the [report](Report::kind) says so. Three requests: `DescribeTable`, `DescribeContinuousBackups` and
    /// `DescribeTimeToLive`. A permission that is missing for one of the latter two is a finding of its own.
    ///
    /// # Errors
    ///
    /// Nothing can be said of the table: no region, no credentials, no permission for `dynamodb:DescribeTable`, DynamoDB
    /// not reached. That there is no such table is no error, but a finding.
    pub async fn check(&self) -> Result<Report, StoreError> {
        let (kind, findings) = self.find().await?;
        Ok(Report { table: self.name.to_string(), kind, findings })
    }

    async fn find(&self) -> Result<(Kind, Vec<Finding>), Error> {
        let table = match self.ask_table().await {
            Ok(table) => table,
            Err(Error::TableNotFound { place, .. }) => {
                return Ok((self.kind, vec![Finding::missing(&self.name, self.kind, &place)]));
            }
            Err(error) => return Err(error),
        };
        let kind = match self.kind {
            Kind::Events => Kind::by_sort_key(sort_key(&table)),
            Kind::Subscriptions => Kind::Subscriptions,
        };
        let mut findings = judge(kind, &table);
        findings.push(recovery(&self.ask_recovery().await?));
        findings.push(no_time_to_live(kind, &self.ask_time_to_live().await?));
        findings.extend(advise(kind, &table));
        Ok((kind, findings))
    }
}

/// What a check of a table found. Displayed, it has a line for each requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The table's name.
    pub table: String,
    /// What it was compared with.
    pub kind: Kind,
    /// One finding for each requirement; the only one when there is no such table.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether all that is needed is known to be there. Advice does not count.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| match finding.verdict {
            Verdict::Kept | Verdict::NotOffered | Verdict::Advice => true,
            Verdict::Unknown | Verdict::NotYet | Verdict::Broken => false,
        })
    }

    /// The finding about a requirement.
    #[must_use]
    pub fn finding(&self, requirement: super::Requirement) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.requirement == requirement)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            let Finding { verdict, requirement, .. } = finding;
            write!(f, "{line_break}{verdict:<11} {requirement:<23} {finding}")?;
        }
        Ok(())
    }
}
