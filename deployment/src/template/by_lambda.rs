//! What Lambda does in the name of a function, by the function's role: no call of the program shows that it is needed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Function, Mapping, Permission, Template, TemplateError, resource::reference};

/// The log group itself is the template's.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>
const LOG: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>
const TRACES: [&str; 2] = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"];

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html>
const STREAM: [&str; 4] =
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];

/// Of objects in the bucket, and of the bucket.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
const DESTINATION: (&str, &str) = ("s3:PutObject", "s3:ListBucket");

pub(super) fn needed(
    template: &Template,
    function: &Function<'_>,
) -> Result<BTreeSet<Permission>, TemplateError> {
    let mut needed = BTreeSet::new();
    let log_group = log_group(template, function)?;
    needed.extend(LOG.map(|action| Permission::new(action, log_group)));
    if is_traced(template, function) {
        // These cannot be permitted for less than everything.
        needed.extend(TRACES.map(|action| Permission::new(action, "*")));
    }
    let is_mapped = |mapping: &Mapping<'_>| mapping.function().is_some_and(|it| it.id() == function.id());
    for mapping in template.mappings().filter(is_mapped) {
        let wrong = |what: &str| TemplateError::new(mapping.id(), what);
        let table =
            mapping.table().ok_or_else(|| wrong("reads something else than the stream of a table"))?;
        needed.extend(STREAM.map(|action| Permission::new(action, format!("{table}/stream"))));
        if let Some(destination) = mapping.property("DestinationConfig") {
            let bucket = reference(&destination["OnFailure"]["Destination"]);
            let bucket = bucket.filter(|(id, _)| is_bucket(template, id));
            let (bucket, _) = bucket.ok_or_else(|| wrong("has a destination that is no bucket"))?;
            let (of_objects, of_bucket) = DESTINATION;
            needed.insert(Permission::new(of_objects, format!("{bucket}/*")));
            needed.insert(Permission::new(of_bucket, bucket));
        }
    }
    Ok(needed)
}

/// The logical id of the log group that has the name which Lambda expects.
fn log_group<'t>(template: &'t Template, function: &Function<'_>) -> Result<&'t str, TemplateError> {
    let name = function.property("FunctionName").map(|name| template.resolve(name));
    let name = name.as_ref().and_then(Value::as_str).map(|name| format!("/aws/lambda/{name}"));
    let found = template.resources().find(|resource| {
        let own = resource.property("LogGroupName").map(|own| template.resolve(own));
        resource.kind() == "AWS::Logs::LogGroup" && own == name.clone().map(Value::String)
    });
    let found = found.filter(|_| name.is_some()).map(|resource| resource.id());
    found.ok_or_else(|| TemplateError::new(function.id(), "has no log group of this template"))
}

/// As SAM says it, or as CloudFormation does.
fn is_traced(template: &Template, function: &Function<'_>) -> bool {
    let tracing = function.property("Tracing").or_else(|| function.property("TracingConfig")?.get("Mode"));
    tracing.is_some_and(|tracing| template.resolve(tracing) == "Active")
}

fn is_bucket(template: &Template, id: &str) -> bool {
    template.resource(id).is_ok_and(|resource| resource.kind() == "AWS::S3::Bucket")
}
