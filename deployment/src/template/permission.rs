//! [`Permission`]: one action on one thing.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

use super::{Resource, TemplateError, resource::reference};

/// An action that is permitted on something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// The action: `dynamodb:Query`.
    pub action: String,
    /// On what: a logical id, `ProductTable`, with what is behind the resource's name in its ARN,
    /// `ProductTable/index/listing` or `ProductTable/stream`; or `*` for everything.
    pub on: String,
}

impl Permission {
    /// An action on something.
    pub fn new(action: impl Into<String>, on: impl Into<String>) -> Self {
        Self { action: action.into(), on: on.into() }
    }

    /// Whether this permits what a call takes. A star stands for any text, as IAM has it.
    #[must_use]
    pub fn allows(&self, call: &Self) -> bool {
        matches(&self.action, &call.action) && matches(&self.on, &call.on)
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.on)
    }
}

/// What the inline policies of a role permit. Anything else than plain permission is refused, because it would be
/// misunderstood: denials, conditions, exceptions and the policies of others.
pub(super) fn of_role(role: &Resource<'_>) -> Result<BTreeSet<Permission>, TemplateError> {
    let wrong = |what: String| TemplateError::new(role.id(), what);
    if role.property("ManagedPolicyArns").is_some() {
        return Err(wrong("has policies that are not in the template".to_owned()));
    }
    let policies = role.property("Policies").and_then(Value::as_array).into_iter().flatten();
    let mut permissions = BTreeSet::new();
    for statement in policies.filter_map(|policy| policy["PolicyDocument"]["Statement"].as_array()).flatten()
    {
        let members =
            statement.as_object().ok_or_else(|| wrong("has a statement that is none".to_owned()))?;
        let understood = ["Sid", "Effect", "Action", "Resource"];
        if let Some(strange) = members.keys().find(|name| !understood.contains(&name.as_str())) {
            return Err(wrong(format!("has a statement with {strange}")));
        }
        if statement["Effect"] != "Allow" {
            return Err(wrong(format!("has a statement whose effect is {}", statement["Effect"])));
        }
        for action in one_or_more(&statement["Action"]) {
            let action = action.as_str().ok_or_else(|| wrong(format!("permits {action}")))?;
            for resource in one_or_more(&statement["Resource"]) {
                let on = name(resource).ok_or_else(|| wrong(format!("permits {action} on {resource}")))?;
                permissions.insert(Permission::new(action, on));
            }
        }
    }
    Ok(permissions)
}

/// Policies may leave out the brackets around one.
fn one_or_more(value: &Value) -> &[Value] {
    match value {
        Value::Array(several) => several,
        one => std::slice::from_ref(one),
    }
}

/// What the ARN is of.
fn name(resource: &Value) -> Option<String> {
    if resource == "*" {
        return Some("*".to_owned());
    }
    if let Some(text) = resource.get("Fn::Sub").and_then(Value::as_str) {
        let (id, behind) = text.strip_prefix("${")?.split_once(".Arn}")?;
        return Some(format!("{id}{behind}"));
    }
    match reference(resource)? {
        (id, Some("Arn")) => Some(id.to_owned()),
        (id, Some("StreamArn")) => Some(format!("{id}/stream")),
        _ => None,
    }
}
