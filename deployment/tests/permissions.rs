//! What functions may do, as far as it can be told without running them. Whether it is what they do is tested where they run:
//! in `tests/permissions.rs` of each example.

use deployment::{Template, example};

const EXAMPLES: [&str; 2] = ["shopping", "deploys"];

fn template(name: &str) -> Template {
    Template::read(example(name).join("template.yaml")).expect("a template")
}

#[test]
fn lambda_may_do_what_it_has_to_do_for_each_function() {
    for name in EXAMPLES {
        let template = template(name);
        for function in template.functions() {
            let permitted = function.permissions().expect("permissions");
            let needed = function.needed_by_lambda().expect("it is understood");
            let missing: Vec<_> = needed.difference(&permitted).map(ToString::to_string).collect();
            assert!(missing.is_empty(), "{name}: {} lacks {missing:?}", function.id());
        }
    }
}

#[test]
fn nobody_may_update_or_delete_an_item_of_events() {
    for name in EXAMPLES {
        let template = template(name);
        let subscriptions = "SubscriptionsTable";
        for function in template.functions() {
            for permission in function.permissions().expect("permissions") {
                assert!(!permission.action.contains('*'), "{}: {permission}", function.id());
                let changes = ["UpdateItem", "DeleteItem", "BatchWriteItem", "UpdateTable", "DeleteTable"];
                let is_change = changes.iter().any(|change| permission.action.ends_with(change));
                assert!(!is_change || permission.on == subscriptions, "{}: {permission}", function.id());
            }
        }
    }
}
