//! [`Mapping`]: an event source mapping, by which Lambda hands a table's stream to a function.

use serde_json::Value;

use super::{Function, Resource, Template, resource::reference};

/// An event source mapping.
#[derive(Debug, Clone, Copy)]
pub struct Mapping<'t> {
    template: &'t Template,
    resource: Resource<'t>,
}

impl<'t> Mapping<'t> {
    pub(super) fn new(template: &'t Template, resource: Resource<'t>) -> Self {
        Self { template, resource }
    }

    /// Its logical id.
    #[must_use]
    pub fn id(&self) -> &'t str {
        self.resource.id()
    }

    /// One of its properties, with parameters at their defaults.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<Value> {
        self.resource.property(name).map(|value| self.template.resolve(value))
    }

    /// The logical id of the table whose stream it reads.
    #[must_use]
    pub fn table(&self) -> Option<&'t str> {
        match reference(self.resource.property("EventSourceArn")?)? {
            (table, Some("StreamArn")) => Some(table),
            _ => None,
        }
    }

    /// The function that it calls, whether that is named by its logical id or by its name.
    #[must_use]
    pub fn function(&self) -> Option<Function<'t>> {
        let called = self.resource.property("FunctionName")?;
        let name = self.template.resolve(called);
        self.template.functions().find(|function| {
            let is_named =
                function.property("FunctionName").is_some_and(|own| self.template.resolve(own) == name);
            is_named || reference(called).is_some_and(|(id, _)| id == function.id())
        })
    }
}
