//! [`Resource`]: something that a template makes.

use serde_json::Value;

/// Something that a template makes.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'t> {
    id: &'t str,
    definition: &'t Value,
}

impl<'t> Resource<'t> {
    pub(crate) fn new(id: &'t str, definition: &'t Value) -> Self {
        Self { id, definition }
    }

    /// Its logical id.
    #[must_use]
    pub fn id(&self) -> &'t str {
        self.id
    }

    /// Its type: `AWS::DynamoDB::Table`. Empty when it has none.
    #[must_use]
    pub fn kind(&self) -> &'t str {
        self.attribute("Type").and_then(Value::as_str).unwrap_or_default()
    }

    /// One of its attributes, which are `Type`, `Properties`, `DeletionPolicy`, …
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'t Value> {
        self.definition.get(name)
    }

    /// One of its properties.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&'t Value> {
        self.attribute("Properties")?.get(name)
    }
}

/// The logical id and the attribute of a `Ref`, without one, or a `Fn::GetAtt`.
pub(super) fn reference(value: &Value) -> Option<(&str, Option<&str>)> {
    if let Some(id) = value.get("Ref").and_then(Value::as_str) {
        return Some((id, None));
    }
    match value.get("Fn::GetAtt")? {
        Value::Array(parts) => match parts.as_slice() {
            [id, attribute] => Some((id.as_str()?, Some(attribute.as_str()?))),
            _ => None,
        },
        Value::String(dotted) => dotted.split_once('.').map(|(id, attribute)| (id, Some(attribute))),
        _ => None,
    }
}
