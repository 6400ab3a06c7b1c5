//! Why a transaction was called off.

use aws_sdk_dynamodb::types::{CancellationReason, error::TransactionCanceledException};

/// That of a condition which does not hold.
pub(crate) fn unmet(cancelled: &TransactionCanceledException) -> Option<&CancellationReason> {
    let mut reasons = cancelled.cancellation_reasons().iter();
    reasons.find(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// Whether it was something that passes by itself: another write at the same moment, or too many of them.
pub(crate) fn may_pass(cancelled: &TransactionCanceledException) -> bool {
    let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    let reasons = cancelled.cancellation_reasons().iter();
    reasons.filter_map(CancellationReason::code).any(|code| passing.contains(&code))
}
