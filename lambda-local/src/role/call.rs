//! [`takes`]: which permissions a call of DynamoDB takes.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/api-permissions-reference.html>

use std::collections::BTreeSet;

use deployment::Permission;
use serde_json::{Map, Value};

/// What a call takes, with tables by the names that it has for them. `target` is its header `X-Amz-Target`. What does not say
/// what it is about, as an iterator of a shard, is about everything.
pub(super) fn takes(target: &str, body: &[u8]) -> BTreeSet<Permission> {
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    match operation {
        // Permitted by what is in them:
        // <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>
        "TransactWriteItems" | "TransactGetItems" => {
            let items = body.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            let actions = items.filter_map(Value::as_object).flatten();
            let taken = actions.map(|(action, item)| {
                let action =
                    if action == "ConditionCheck" { "ConditionCheckItem" } else { &format!("{action}Item") };
                permission(action, item["TableName"].as_str().map(table))
            });
            taken.collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            tables.map(|(name, _)| permission(operation, Some(table(name)))).collect()
        }
        _ => {
            let on = match (text("TableName"), text("IndexName"), text("StreamArn")) {
                (Some(name), Some(index), _) => Some(format!("{}/index/{index}", table(name))),
                (Some(name), None, _) => Some(table(name)),
                (None, _, Some(arn)) => Some(format!("{}/stream", table(arn))),
                (None, _, None) => None,
            };
            BTreeSet::from([permission(operation, on)])
        }
    }
}

fn permission(operation: &str, on: Option<String>) -> Permission {
    Permission::new(format!("dynamodb:{operation}"), on.unwrap_or_else(|| "*".to_owned()))
}

/// The name of a table that is called by its name, by its ARN or by that of its stream.
fn table(name: &str) -> String {
    let name = name.split_once(":table/").map_or(name, |(_, name)| name);
    name.split('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(operation: &str, body: &str) -> Vec<String> {
        let taken = takes(&format!("DynamoDB_20120810.{operation}"), body.as_bytes());
        taken.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_call_takes_its_own_action_on_what_it_is_about() {
        for (operation, body, expected) in [
            ("PutItem", r#"{"TableName":"t","Item":{}}"#, &["dynamodb:PutItem on t"][..]),
            ("Query", r#"{"TableName":"t","IndexName":"i"}"#, &["dynamodb:Query on t/index/i"]),
            ("Scan", r#"{"TableName":"arn:aws:dynamodb:r:1:table/t"}"#, &["dynamodb:Scan on t"]),
            (
                "DescribeStream",
                r#"{"StreamArn":"arn:aws:dynamodb:r:1:table/t/stream/2026"}"#,
                &["dynamodb:DescribeStream on t/stream"],
            ),
            (
                "BatchGetItem",
                r#"{"RequestItems":{"t":{},"u":{}}}"#,
                &["dynamodb:BatchGetItem on t", "dynamodb:BatchGetItem on u"],
            ),
            (
                "TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"t"}},{"ConditionCheck":{"TableName":"u"}}]}"#,
                &["dynamodb:ConditionCheckItem on u", "dynamodb:PutItem on t"],
            ),
            ("GetRecords", r#"{"ShardIterator":"x"}"#, &["dynamodb:GetRecords on *"]),
            ("ListTables", "{}", &["dynamodb:ListTables on *"]),
            ("", "no JSON", &["dynamodb: on *"]),
        ] {
            assert_eq!(taken(operation, body), expected, "{operation}");
        }
    }
}
