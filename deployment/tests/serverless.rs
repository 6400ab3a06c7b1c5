//! What the Serverless Framework makes of an example is what SAM makes of it.

use std::{collections::BTreeSet, fs, process::Output};

use deployment::{Function, Template, Tool, example};
use serde_json::{Value, json};

/// What the two have by other names, or what they add by themselves. Compared part by part, or of no account.
const OWN: [&str; 11] = [
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
    "AWS::Lambda::Function",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Events::Rule",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    // It puts programs there. SAM has a bucket for those of all stacks.
    "AWS::S3::BucketPolicy",
];

/// SAM's template, and what `osls package` makes of a copy of the example.
fn both(name: &str) -> (Template, Template) {
    let (original, workspace) = (example(name), tempfile::tempdir().expect("a folder"));
    let copy = workspace.path().join("examples").join(name);
    let program = workspace.path().join("target/lambda").join(name);
    for folder in [&copy, &program] {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(program.join("bootstrap.zip"), "any program").expect("a file");
    for file in ["serverless.yml", "template.yaml"] {
        fs::copy(original.join(file), copy.join(file)).expect("a file");
    }
    let mut osls = Tool::Osls.command().expect("osls");
    let Output { status, stdout, stderr } =
        osls.arg("package").current_dir(&copy).output().expect("it can be run");
    let said = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{said}");
    assert!(!said.contains("Warning"), "{said}");
    let packaged = copy.join(".serverless/cloudformation-template-update-stack.json");
    (read(&original.join("template.yaml")), read(&packaged))
}

fn read(path: &std::path::Path) -> Template {
    Template::read(path).expect("a template")
}

/// A function in words that both have.
fn described(template: &Template, function: Function<'_>) -> Value {
    let property = |name: &str| function.property(name).map(|value| template.resolve(value));
    let tracing = property("Tracing").or_else(|| Some(property("TracingConfig")?["Mode"].clone()));
    json!({
        "architectures": property("Architectures"),
        "environment": function.variables(),
        "handler": property("Handler"),
        "logging": property("LoggingConfig"),
        "memory": property("MemorySize"),
        "name": property("FunctionName"),
        "role": property("Role"),
        "runtime": property("Runtime"),
        "timeout": property("Timeout"),
        "tracing": tracing,
    })
}

fn functions(template: &Template) -> Vec<Value> {
    template.functions().map(|function| described(template, function)).collect()
}

/// The properties of all resources of a type.
fn of_type<'t>(template: &'t Template, kind: &'t str) -> Vec<&'t Value> {
    let resources = template.resources().filter(|resource| resource.kind() == kind);
    resources.map(|resource| resource.attribute("Properties").expect("properties")).collect()
}

fn shared(template: &Template) -> BTreeSet<&str> {
    let shared = template.resources().filter(|resource| !OWN.contains(&resource.kind()));
    shared.map(|resource| resource.id()).filter(|id| *id != "ServerlessDeploymentBucket").collect()
}

fn compare(name: &str) {
    let (sam, serverless) = both(name);

    assert_eq!(shared(&sam), shared(&serverless), "{name}");
    for id in shared(&sam) {
        let (ours, theirs) =
            (sam.resource(id).expect("it is there"), serverless.resource(id).expect("it is there"));
        for attribute in ["Type", "Properties", "Condition", "DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(ours.attribute(attribute), theirs.attribute(attribute), "{name}: {attribute} of {id}");
        }
    }

    assert_eq!(functions(&sam), functions(&serverless), "{name}");
    for (ours, theirs) in sam.functions().zip(serverless.functions()) {
        assert_eq!(
            ours.permissions().expect("permissions"),
            theirs.permissions().expect("permissions"),
            "{name}: {}",
            ours.id()
        );
    }
    for (ours, theirs) in sam.mappings().zip(serverless.mappings()) {
        assert_eq!(ours.id(), theirs.id());
        let called = |function: Option<Function<'_>>| function.expect("a function").property("Role").cloned();
        assert_eq!(called(ours.function()), called(theirs.function()), "{name}: {}", ours.id());
    }
    for section in ["Parameters", "Conditions"] {
        let names = |template: &Template| -> serde_json::Map<String, Value> {
            template.section(section).and_then(Value::as_object).cloned().unwrap_or_default()
        };
        let (ours, theirs) = (names(&sam), names(&serverless));
        for (parameter, definition) in &theirs {
            assert_eq!(ours.get(parameter), Some(definition), "{name}: {parameter}");
        }
        // The Serverless Framework takes these two as parameters of its own.
        let missing: Vec<_> = ours.keys().filter(|name| !theirs.contains_key(*name)).collect();
        assert!(
            missing.iter().all(|name| ["Architecture", "MemorySize"].contains(&name.as_str())),
            "{missing:?}"
        );
    }
    for (output, value) in sam.section("Outputs").and_then(Value::as_object).expect("outputs") {
        assert_eq!(
            Some(value),
            serverless.section("Outputs").and_then(|outputs| outputs.get(output)),
            "{output}"
        );
    }

    compare_events(name, &sam, &serverless);
}

/// What calls the functions, but for streams.
fn compare_events(name: &str, sam: &Template, serverless: &Template) {
    let events = |function: &str| {
        let events = sam.function(function).expect("a function").property("Events");
        events.and_then(Value::as_object).expect("events").clone()
    };

    let routes: BTreeSet<_> = events("ApiFunction")
        .values()
        .map(|event| {
            assert_eq!(event["Type"], "HttpApi");
            let text = |member: &str| event["Properties"][member].as_str().expect("a text").to_owned();
            format!("{} {}", text("Method"), text("Path"))
        })
        .collect();
    let their_routes = of_type(serverless, "AWS::ApiGatewayV2::Route");
    let their_routes =
        their_routes.iter().map(|route| route["RouteKey"].as_str().expect("a text").to_owned());
    assert_eq!(routes, their_routes.collect(), "{name}");
    for integration in of_type(serverless, "AWS::ApiGatewayV2::Integration") {
        assert_eq!(integration["PayloadFormatVersion"], "2.0");
    }

    let schedules: Vec<_> = events("SubscriptionsFunction").into_values().collect();
    let rules = of_type(serverless, "AWS::Events::Rule");
    let ([schedule], [rule]) = (schedules.as_slice(), rules.as_slice()) else {
        panic!("{name}: {schedules:?} and {rules:?}")
    };
    assert_eq!(schedule["Type"], "Schedule");
    assert_eq!(schedule["Properties"]["Schedule"], rule["ScheduleExpression"]);
    assert_eq!(schedule["Properties"]["Input"], rule["Targets"][0]["Input"]);
    assert_eq!(schedule["Properties"]["Input"], r#"{"aws-event-sourcing":"redrive"}"#);

    let ours = sam.function("SubscriptionsFunction").expect("a function").property("EventInvokeConfig");
    let theirs = of_type(serverless, "AWS::Lambda::EventInvokeConfig");
    for setting in ["MaximumRetryAttempts", "MaximumEventAgeInSeconds"] {
        assert_eq!(ours.expect("a setting")[setting], theirs[0][setting], "{name}: {setting}");
    }
}

#[test]
fn the_serverless_framework_makes_the_same_shop() {
    compare("shopping");
}

#[test]
fn the_serverless_framework_makes_the_same_deploys() {
    compare("deploys");
}
