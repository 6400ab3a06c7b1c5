//! `sam build` makes what Lambda can run, and what answers. Compiles the examples as they are deployed: some minutes the first
//! time.

use std::fs;

use deployment::{Template, build, example};
use lambda_local::Deployment;
use serde_json::{Value, json};
use testbed::Client;

/// The newest version of the C library that Amazon Linux 2023 has: 2.34.
const NEWEST_GLIBC: u32 = 34;

/// In bytes, zipped. Lambda loads it at every cold start: it has to come without its symbols.
const LARGEST: u64 = 6_000_000;

/// What the standard library has to say to whoever catches a panic wrongly. A program that ends at a panic lacks it.
const CATCHES: &[u8] = b"Rust panics must be rethrown";

/// The minor versions of the C library, 2.x, whose symbols a program needs.
fn glibc_versions(program: &[u8]) -> impl Iterator<Item = u32> {
    const PREFIX: &[u8] = b"GLIBC_2.";
    let starts = program.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX);
    starts.filter_map(|(start, _)| {
        let digits = program[start + PREFIX.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        String::from_utf8(digits.copied().collect()).ok()?.parse().ok()
    })
}

fn check(name: &str) {
    let built = build(name).unwrap_or_else(|error| panic!("{error}"));
    let template = Template::read(example(name).join("template.yaml")).expect("a template");
    let program =
        |function: &str| fs::read(built.bootstrap(function).expect("it has one")).expect("a program");
    let programs: Vec<_> = template.functions().map(|function| program(function.id())).collect();
    assert_eq!(programs.len(), 2, "{name}");
    assert!(programs[0] == programs[1], "{name}: both functions are the same program");
    let program = &programs[0];
    assert!(program.starts_with(b"\x7fELF"), "{name}");
    let catches = program.windows(CATCHES.len()).any(|window| window == CATCHES);
    assert!(
        catches,
        "{name}: a handler that panics ends the process. `panic` has to be set in the release profile"
    );
    let newest = glibc_versions(program).max().expect("it uses the C library");
    assert!(newest <= NEWEST_GLIBC, "{name} needs glibc 2.{newest}");
    for function in template.functions() {
        let zip = built.zip(function.id()).unwrap_or_else(|error| panic!("{error}"));
        let size = fs::metadata(zip).expect("a file").len();
        assert!((1_000_000..LARGEST).contains(&size), "{name}: {} has {size} bytes", function.id());
    }
}

/// What was built, with all that is around it on AWS.
async fn run(name: &str, list: &str, resource: Value) {
    let deployment = Deployment::of(name).start().await.unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(&deployment.gateway().address().to_string());
    let created = client.post(list, resource).await;
    assert_eq!(created.status, 201, "{created:?}");
    let read = client.get(created.header("location").expect("a location")).await;
    assert_eq!((read.status, &read.body), (200, &created.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_builds_a_shop_that_answers() {
    check("shopping");
    run("shopping", "/products", json!({"amount": 1})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_builds_deploys_that_answer() {
    check("deploys");
    run("deploys", "/deploys", json!({"specification": "a server"})).await;
}
