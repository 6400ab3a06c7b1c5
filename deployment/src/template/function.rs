//! [`Function`]: a Lambda function, what it is told by its environment, and what it may do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Permission, Resource, Template, TemplateError, by_lambda, permission, resource::reference};

/// A Lambda function, SAM's or CloudFormation's own.
#[derive(Debug, Clone, Copy)]
pub struct Function<'t> {
    template: &'t Template,
    resource: Resource<'t>,
}

impl<'t> Function<'t> {
    pub(super) fn new(template: &'t Template, resource: Resource<'t>) -> Self {
        Self { template, resource }
    }

    /// Its logical id.
    #[must_use]
    pub fn id(&self) -> &'t str {
        self.resource.id()
    }

    /// One of its properties; one of SAM's globals when it has no such property of its own.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&'t Value> {
        self.resource.property(name).or_else(|| self.template.section("Globals")?.get("Function")?.get(name))
    }

    /// The variables of its environment, with parameters at their defaults.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<&'t str, Value> {
        let variables = |environment: Option<&'t Value>| {
            let variables = environment.and_then(|it| it.get("Variables")).and_then(Value::as_object);
            variables.into_iter().flatten().map(|(name, value)| (name.as_str(), self.template.resolve(value)))
        };
        // SAM adds its own to the global ones.
        let globals = self.template.section("Globals").and_then(|globals| globals.get("Function"));
        let globals = globals.and_then(|function| function.get("Environment"));
        variables(globals).chain(variables(self.resource.property("Environment"))).collect()
    }

    /// The logical id of the table that a variable names, if it names one.
    #[must_use]
    pub fn table(&self, variable: &str) -> Option<String> {
        let variables = self.variables();
        let (id, _) = reference(variables.get(variable)?)?;
        self.template.tables().find(|table| table.id() == id).map(|table| table.id().to_owned())
    }

    /// Everything that its role permits.
    ///
    /// # Errors
    ///
    /// When the role is not one of this template's, or a statement of it is not understood here.
    pub fn permissions(&self) -> Result<BTreeSet<Permission>, TemplateError> {
        let role = self.property("Role").and_then(reference);
        let (role, _) = role.ok_or_else(|| TemplateError::new(self.id(), "has no role of this template"))?;
        permission::of_role(&self.template.resource(role)?)
    }

    /// What its role has to permit although the program calls nothing of it: Lambda itself writes the log, sends traces, reads the
    /// streams that are mapped to the function, and puts into a bucket what the function cannot handle.
    ///
    /// # Errors
    ///
    /// When it has no log group of this template, or something is mapped to it that is not understood here.
    pub fn needed_by_lambda(&self) -> Result<BTreeSet<Permission>, TemplateError> {
        by_lambda::needed(self.template, self)
    }
}
