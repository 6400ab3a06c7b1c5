//! The rules of deploys, without a store.

use aws_event_sourcing::given;

use super::{
    Deploy, DeployError,
    DeployEvent::{DeployCreated, DeployDeleted},
    Status,
};

fn created() -> super::DeployEvent {
    DeployCreated { specification: "two small servers".into() }
}

#[test]
fn a_deploy_is_processing_until_it_is_deleted() {
    assert_eq!(given::<Deploy>([]).when([created()]).then_accepted().status, Status::Processing);
    given::<Deploy>([created()])
        .when([DeployDeleted])
        .then_state(&Deploy { status: Status::Deleted, specification: "two small servers".into() });
}

#[test]
fn a_deploy_is_created_once_and_deleted_once() {
    given::<Deploy>([created()]).when([created()]).then_rejected(&DeployError::Exists);
    given::<Deploy>([created(), DeployDeleted]).when([DeployDeleted]).then_rejected(&DeployError::Deleted);
}
