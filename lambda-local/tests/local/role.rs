//! A role lets through what it permits, refuses the rest as AWS does, and knows what was asked for.

use std::collections::BTreeSet;

use deployment::{Permission, Template};
use lambda_local::{DynamoDb, Role};
use serde_json::json;

const TEMPLATE: &str = r#"
Resources:
  Things:
    Type: AWS::DynamoDB::Table
  Worker:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: worker, Role: !GetAtt Role.Arn}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
              - {Effect: Allow, Action: ["dynamodb:PutItem", "dynamodb:Query"], Resource: !GetAtt Things.Arn}
              - {Effect: Allow, Action: "dynamodb:Get*", Resource: !GetAtt Things.Arn}
              - {Effect: Allow, Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: !GetAtt Log.Arn}
  Log:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/lambda/worker}
"#;

/// The worker's role, in front of a table `stack-Things` which nobody else sees.
async fn role() -> Role {
    let dynamodb = DynamoDb::new(dynamodb_local::url(), format!("role{}", fastrand::u64(..)));
    let table = json!({
        "TableName": "stack-Things",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
    });
    dynamodb.ask("CreateTable", &table).await.expect("a table");
    let tables = [("Things".to_owned(), "stack-Things".to_owned())];
    let template = Template::from_yaml(TEMPLATE).expect("a template");
    let role = Role::start(&template.function("Worker").expect("a function"), &tables, &dynamodb).await;
    role.expect("a role")
}

fn permissions<const N: usize>(permissions: [(&str, &str); N]) -> BTreeSet<Permission> {
    permissions.map(|(action, on)| Permission::new(format!("dynamodb:{action}"), on)).into()
}

#[tokio::test]
async fn what_it_permits_is_done_and_nothing_else() {
    let role = role().await;
    assert_eq!(role.denied(), BTreeSet::new());
    assert_eq!(role.unused(), permissions([("Get*", "Things"), ("PutItem", "Things"), ("Query", "Things")]));
    let put = json!({"TableName": "stack-Things", "Item": {"name": {"S": "a"}}});
    let scan = json!({"TableName": "stack-Things"});
    let dynamodb = role.dynamodb();
    assert_eq!(dynamodb.ask("PutItem", &put).await.expect("it is permitted"), json!({}));
    let denied = dynamodb.ask("Scan", &scan).await.expect_err("it is not permitted").to_string();
    for part in ["AccessDeniedException", "Worker is not authorized", "dynamodb:Scan on resource: Things"] {
        assert!(denied.contains(part), "{denied}");
    }
    // DynamoDB itself would say that there is no such table.
    let other = json!({"TableName": "other", "Item": {"name": {"S": "a"}}});
    let denied = dynamodb.ask("PutItem", &other).await.expect_err("it is not permitted").to_string();
    assert!(denied.contains("dynamodb:PutItem on resource: other"), "{denied}");

    assert_eq!(role.denied(), permissions([("PutItem", "other"), ("Scan", "Things")]));
    let get = json!({"TableName": "stack-Things", "Key": {"name": {"S": "a"}}});
    assert_eq!(dynamodb.ask("GetItem", &get).await.expect("it is permitted")["Item"]["name"]["S"], "a");
    assert_eq!(role.unused(), permissions([("Query", "Things")]));
}

#[tokio::test]
async fn of_a_transaction_all_parts_have_to_be_permitted() {
    let role = role().await;
    let put = json!({"Put": {"TableName": "stack-Things", "Item": {"name": {"S": "a"}}}});
    let delete = json!({"Delete": {"TableName": "stack-Things", "Key": {"name": {"S": "b"}}}});
    let dynamodb = role.dynamodb();
    let both = json!({"TransactItems": [put, delete]});
    let denied = dynamodb.ask("TransactWriteItems", &both).await.expect_err("one is not").to_string();
    assert!(denied.contains("dynamodb:DeleteItem on resource: Things"), "{denied}");
    dynamodb.ask("TransactWriteItems", &json!({"TransactItems": [put]})).await.expect("it is permitted");
}
