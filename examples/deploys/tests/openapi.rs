//! Whether the deployment service is what it says at `/_openapi.json`.

use lambda_local::{Deployment, Program};
use testbed::{Deleted, Running, keeps_its_description, program};

const DEPLOYS: &str = env!("CARGO_BIN_EXE_deploys");

#[test]
fn the_service_is_what_its_description_says_on_sqlite() {
    let data = tempfile::tempdir().expect("a folder");
    let service = Running::start(&mut program(DEPLOYS, data.path()));
    keeps_its_description(service.address(), Deleted::Remembered);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_what_its_description_says_on_lambda() {
    let deployment = Deployment::of("deploys").program(Program::At(DEPLOYS.into())).start().await;
    let deployment = deployment.unwrap_or_else(|error| panic!("{error}"));
    let address = deployment.gateway().address().to_string();
    tokio::task::spawn_blocking(move || keeps_its_description(&address, Deleted::Remembered))
        .await
        .expect("it is");
}
