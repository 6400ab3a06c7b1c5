//! [`Update`]: a change of some attributes of an item, on a condition.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::Item;

/// A change of an item. Attributes are called what they are called in the expressions: `round` is `#round` there.
#[derive(Clone, Default)]
pub(super) struct Update {
    sets: Vec<String>,
    removes: Vec<String>,
    adds: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Update {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(attribute), self.value(attribute, value));
        self.sets.push(format!("{name} = {value}"));
        self
    }

    pub(super) fn set_if_any(self, attribute: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self,
        }
    }

    pub(super) fn remove(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.removes.push(name);
        self
    }

    /// Adds to a number, which counts as 0 where it is absent.
    pub(super) fn add(mut self, attribute: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(attribute), self.value(attribute, value));
        self.adds.push(format!("{name} {value}"));
        self
    }

    /// Only if the attribute is that.
    pub(super) fn if_is(self, attribute: &str, value: AttributeValue) -> Self {
        self.only_if(attribute, value, |name, value| format!("{name} = {value}"))
    }

    /// Only if the attribute is less than that.
    pub(super) fn if_less(self, attribute: &str, value: AttributeValue) -> Self {
        self.only_if(attribute, value, |name, value| format!("{name} < {value}"))
    }

    /// Only if the attribute is that, or absent.
    pub(super) fn if_is_or_absent(self, attribute: &str, value: AttributeValue) -> Self {
        self.only_if(attribute, value, |name, value| {
            format!("(attribute_not_exists({name}) OR {name} = {value})")
        })
    }

    /// Only if the attribute is absent.
    pub(super) fn if_absent(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// What to change, and on which condition.
    pub(super) fn expressions(&self) -> (String, String) {
        let clauses = [("SET", &self.sets), ("REMOVE", &self.removes), ("ADD", &self.adds)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses: Vec<_> = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        (clauses.join(" "), self.conditions.join(" AND "))
    }

    pub(super) fn names(&self) -> HashMap<String, String> {
        self.names.clone()
    }

    pub(super) fn values(&self) -> Item {
        self.values.clone()
    }

    fn only_if(
        mut self,
        attribute: &str,
        value: AttributeValue,
        condition: impl FnOnce(&str, &str) -> String,
    ) -> Self {
        // It may be set to another value.
        let (name, value) = (self.name(attribute), self.value(&format!("if_{attribute}"), value));
        self.conditions.push(condition(&name, &value));
        self
    }

    fn name(&mut self, attribute: &str) -> String {
        let name = format!("#{attribute}");
        self.names.insert(name.clone(), attribute.to_owned());
        name
    }

    fn value(&mut self, name: &str, value: AttributeValue) -> String {
        let name = format!(":{name}");
        self.values.insert(name.clone(), value);
        name
    }
}
