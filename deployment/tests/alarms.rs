//! Somebody hears of what goes wrong, and can look at it.

use std::collections::BTreeSet;

use deployment::{Function, Resource, Template, example};
use serde_json::{Value, json};

const EXAMPLES: [&str; 2] = ["shopping", "deploys"];

fn template(name: &str) -> Template {
    Template::read(example(name).join("template.yaml")).expect("a template")
}

fn name(template: &Template, function: Function<'_>) -> String {
    let name = function.property("FunctionName").map(|name| template.resolve(name));
    name.as_ref().and_then(Value::as_str).expect("a name").to_owned()
}

fn of_type<'t>(template: &'t Template, kind: &'t str) -> impl Iterator<Item = Resource<'t>> {
    template.resources().filter(move |resource| resource.kind() == kind)
}

/// Namespace, metric and dimensions, with parameters at their defaults.
fn watched(template: &Template, alarm: Resource<'_>) -> (Value, Value, Value) {
    let property = |name| alarm.property(name).map(|value| template.resolve(value)).unwrap_or_default();
    (property("Namespace"), property("MetricName"), property("Dimensions"))
}

#[test]
fn errors_throttles_and_age_of_each_function_are_watched() {
    for example in EXAMPLES {
        let template = template(example);
        let alarms: Vec<_> =
            of_type(&template, "AWS::CloudWatch::Alarm").map(|alarm| watched(&template, alarm)).collect();
        for function in template.functions() {
            let mut metrics = vec!["Errors", "Throttles"];
            if template.mappings().any(|mapping| mapping.function().map(|it| it.id()) == Some(function.id()))
            {
                metrics.push("IteratorAge");
            }
            for metric in metrics {
                let of_it = json!([{"Name": "FunctionName", "Value": name(&template, function)}]);
                let alarm = (json!("AWS/Lambda"), json!(metric), of_it);
                assert!(alarms.contains(&alarm), "{example}: {alarm:?}");
            }
        }
        let of_api = json!([{"Name": "ApiId", "Value": {"Ref": "HttpApi"}}]);
        assert!(alarms.contains(&(json!("AWS/ApiGateway"), json!("5xx"), of_api)), "{example}");
    }
}

#[test]
fn what_is_parked_is_counted_from_the_log_of_the_redrive() {
    for example in EXAMPLES {
        let template = template(example);
        let filter = template.resource("ParkedResourcesFilter").expect("a filter");
        assert_eq!(filter.property("LogGroupName"), Some(&json!({"Ref": "SubscriptionsLogGroup"})));
        let pattern = filter.property("FilterPattern").and_then(Value::as_str).expect("a pattern");
        assert_eq!(pattern, r#"{ ($.message = "redrive") && ($.parked_resources >= 0) }"#);
        let metric = &filter.property("MetricTransformations").expect("a metric")[0];
        assert_eq!(metric["MetricValue"], "$.parked_resources");
        let counted =
            (template.resolve(&metric["MetricNamespace"]), metric["MetricName"].clone(), Value::Null);
        let alarm = template.resource("ParkedResourcesAlarm").expect("an alarm");
        assert_eq!(watched(&template, alarm), counted);
        // When nothing is counted any more, nothing is redriven.
        assert_eq!(alarm.property("TreatMissingData"), Some(&json!("missing")));
        assert_eq!(alarm.property("InsufficientDataActions"), Some(&json!([{"Ref": "AlarmTopic"}])));
    }
}

#[test]
fn every_alarm_is_told_to_somebody() {
    for example in EXAMPLES {
        let template = template(example);
        for alarm in of_type(&template, "AWS::CloudWatch::Alarm") {
            for action in ["AlarmActions", "OKActions"] {
                assert_eq!(alarm.property(action), Some(&json!([{"Ref": "AlarmTopic"}])), "{}", alarm.id());
            }
            assert!(alarm.property("AlarmDescription").is_some(), "{}", alarm.id());
        }
        let bucket = template.resource("UnhandledBucket").expect("a bucket");
        let told =
            &bucket.property("NotificationConfiguration").expect("somebody is told")["TopicConfigurations"];
        assert_eq!(told, &json!([{"Event": "s3:ObjectCreated:*", "Topic": {"Ref": "AlarmTopic"}}]));
    }
}

#[test]
fn every_function_has_a_log_of_its_own_that_is_forgotten_some_day() {
    for example in EXAMPLES {
        let template = template(example);
        let groups: BTreeSet<_> = of_type(&template, "AWS::Logs::LogGroup")
            .map(|group| {
                assert_eq!(group.property("RetentionInDays"), Some(&json!({"Ref": "LogRetentionInDays"})));
                template.resolve(group.property("LogGroupName").expect("a name")).to_string()
            })
            .collect();
        let functions = template.functions();
        let expected = functions.map(|function| json!(format!("/aws/lambda/{}", name(&template, function))));
        assert_eq!(groups, expected.map(|name| name.to_string()).collect(), "{example}");
    }
}

#[test]
fn the_dashboard_shows_every_function_and_table() {
    for example in EXAMPLES {
        let template = template(example);
        let body = template.resource("Dashboard").expect("a dashboard").property("DashboardBody");
        let body = template.resolve(body.expect("a body"))["Fn::Sub"].as_str().expect("a text").to_owned();
        let dashboard: Value = serde_json::from_str(&body).expect("JSON");
        let shown: BTreeSet<_> = dashboard["widgets"]
            .as_array()
            .expect("widgets")
            .iter()
            .filter_map(|widget| widget["properties"]["metrics"].as_array())
            .flatten()
            .map(|metric| (metric[1].to_string(), metric[3].to_string()))
            .collect();
        let is_shown = |metric: &str, of: &str| shown.contains(&(format!("{metric:?}"), format!("{of:?}")));
        for function in template.functions() {
            for metric in ["Errors", "Throttles", "Duration"] {
                assert!(
                    is_shown(metric, &name(&template, function)),
                    "{example}: {metric} of {}",
                    function.id()
                );
            }
        }
        for table in template.tables() {
            for metric in ["ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits", "ThrottledRequests"] {
                assert!(
                    is_shown(metric, &format!("${{{}}}", table.id())),
                    "{example}: {metric} of {}",
                    table.id()
                );
            }
        }
    }
}
