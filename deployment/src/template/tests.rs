//! Short templates, and what is read from them.

use serde_json::json;

use super::*;

const SHORT: &str = r#"
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function:
    Timeout: 3
    Environment: {Variables: {LOG: info}}
Resources:
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub worker-${Stage}
      Role: !GetAtt Role.Arn
      Tracing: Active
      Environment: {Variables: {TABLE: !Ref Things, STAGE: !Ref Stage}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
              - {Effect: Allow, Action: "dynamodb:PutItem", Resource: !GetAtt Things.Arn}
              - {Effect: Allow, Action: ["dynamodb:Query"], Resource: [!Sub "${Things.Arn}/index/by-time"]}
              - {Effect: Allow, Action: "dynamodb:GetRecords", Resource: !GetAtt Things.StreamArn}
              - {Effect: Allow, Action: "xray:PutTraceSegments", Resource: "*"}
  Events:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Things.StreamArn
      FunctionName: !Sub worker-${Stage}
      DestinationConfig: {OnFailure: {Destination: !GetAtt Bucket.Arn}}
  Bucket:
    Type: AWS::S3::Bucket
  Log:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/aws/lambda/worker-${Stage}"}
"#;

fn short() -> Template {
    Template::from_yaml(SHORT).expect("a template")
}

#[test]
fn intrinsic_functions_are_written_out() {
    let template = short();
    let worker = template.resource("Worker").expect("a function");
    assert_eq!(worker.property("FunctionName"), Some(&json!({"Fn::Sub": "worker-${Stage}"})));
    assert_eq!(worker.property("Role"), Some(&json!({"Fn::GetAtt": ["Role", "Arn"]})));
}

#[test]
fn a_function_has_the_properties_and_variables_of_all_functions_too() {
    let template = short();
    let worker = template.function("Worker").expect("a function");
    assert_eq!(worker.property("Timeout"), Some(&json!(3)));
    let variables = worker.variables();
    assert_eq!(variables["LOG"], "info");
    assert_eq!(variables["STAGE"], "dev");
    assert_eq!(worker.table("TABLE").as_deref(), Some("Things"));
    assert_eq!(worker.table("STAGE"), None);
}

#[test]
fn permissions_are_actions_on_what_they_name() {
    let template = short();
    let permissions =
        template.function("Worker").and_then(|worker| worker.permissions()).expect("permissions");
    let expected = [
        Permission::new("dynamodb:GetRecords", "Things/stream"),
        Permission::new("dynamodb:PutItem", "Things"),
        Permission::new("dynamodb:Query", "Things/index/by-time"),
        Permission::new("xray:PutTraceSegments", "*"),
    ];
    assert_eq!(permissions.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_permission_allows_what_it_names_and_a_star_anything() {
    let query = Permission::new("dynamodb:Query", "Things/index/by-time");
    for (action, on, allows) in [
        ("dynamodb:Query", "Things/index/by-time", true),
        ("dynamodb:Query", "Things/index/*", true),
        ("dynamodb:*", "*", true),
        ("*:Query", "*by-*time", true),
        ("dynamodb:Query", "Things", false),
        ("dynamodb:Query", "Things/index/by-time/", false),
        ("dynamodb:Scan", "*", false),
        ("dynamodb:Que*x", "*", false),
    ] {
        assert_eq!(Permission::new(action, on).allows(&query), allows, "{action} on {on}");
    }
}

#[test]
fn lambda_itself_needs_permissions_for_what_it_does_for_a_function() {
    let needed = |text: &str| {
        let template = Template::from_yaml(text).expect("a template");
        let needed = template.function("Worker").and_then(|worker| worker.needed_by_lambda());
        needed.map(|needed| needed.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (log, traces) = (
        ["logs:CreateLogStream on Log", "logs:PutLogEvents on Log"],
        ["xray:PutTelemetryRecords on *", "xray:PutTraceSegments on *"],
    );
    let stream = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];
    let stream = stream.map(|action| format!("dynamodb:{action} on Things/stream"));
    let bucket = ["s3:ListBucket on Bucket", "s3:PutObject on Bucket/*"];
    let all = |parts: &[&[&str]]| parts.concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let stream = stream.each_ref().map(String::as_str);
    assert_eq!(needed(SHORT).expect("it is understood"), all(&[&stream, &log, &bucket, &traces]));
    let untraced = needed(&SHORT.replace("Tracing: Active", "Tracing: PassThrough"));
    assert_eq!(untraced.expect("it is understood"), all(&[&stream, &log, &bucket]));
    let unmapped = needed(
        &SHORT.replace("FunctionName: !Sub worker-${Stage}\n      Dest", "FunctionName: x\n      Dest"),
    );
    assert_eq!(unmapped.expect("it is understood"), all(&[&log, &traces]));

    for (from, to, complaint) in [
        ("/aws/lambda/worker-", "/aws/lambda/other-", "no log group"),
        ("AWS::S3::Bucket", "AWS::SQS::Queue", "no bucket"),
        ("EventSourceArn: !GetAtt Things.StreamArn", "EventSourceArn: !GetAtt Bucket.Arn", "something else"),
    ] {
        let error = needed(&SHORT.replace(from, to)).expect_err(to);
        assert!(error.to_string().contains(complaint), "{error}");
    }
}

#[test]
fn what_would_be_misunderstood_is_refused() {
    for (from, to, complaint) in [
        ("Effect: Allow, Action: \"xray", "Effect: Deny, Action: \"xray", "effect"),
        ("Resource: \"*\"}", "Resource: \"*\", Condition: {}}", "Condition"),
        ("Resource: \"*\"}", "Resource: \"arn:aws:s3:::bucket\"}", "arn:aws:s3:::bucket"),
        ("      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", "not in the template"),
    ] {
        assert!(SHORT.contains(from), "{from}");
        let template = Template::from_yaml(&SHORT.replace(from, to)).expect("a template");
        let error = template.function("Worker").and_then(|worker| worker.permissions()).expect_err(to);
        assert!(error.to_string().contains(complaint), "{error}");
    }
}

#[test]
fn a_mapping_knows_its_table_and_its_function() {
    let template = short();
    let mapping = template.mappings().next().expect("a mapping");
    assert_eq!(mapping.table(), Some("Things"));
    assert_eq!(mapping.function().map(|function| function.id()), Some("Worker"));
}

#[test]
fn a_table_is_made_of_its_properties() {
    let template = short();
    let table = template.tables().next().expect("a table");
    let expected = json!({
        "TableName": "t",
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    });
    assert_eq!(table.create_request("t"), expected);
}

#[test]
fn a_text_that_is_no_template_is_refused() {
    for text in ["", "a: [", "Resources: 1", "{}\n---\n{}", "1: a"] {
        assert!(Template::from_yaml(text).is_err(), "{text:?}");
    }
}
