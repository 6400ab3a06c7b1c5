//! [`Template`]: what a CloudFormation template says, as data. SAM's functions and CloudFormation's own look the same.
//!
//! For tests that compare a template with something: with the code, with another template, or with what a run really
//! did: a [`Permission`] is what a role has, and what a call takes.

mod by_lambda;
mod function;
mod mapping;
mod permission;
mod resource;
mod table;
mod yaml;

use std::{fs, path::Path};

use serde_json::{Map, Value};

pub use self::{
    function::Function, mapping::Mapping, permission::Permission, resource::Resource, table::Table,
};

/// A template says something that is not understood here, or lacks it.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct TemplateError {
    place: String,
    what: String,
}

impl TemplateError {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// A template. Its intrinsic functions are written out: `!Ref A` is `{"Ref": "A"}`, and `!GetAtt A.B` is
/// `{"Fn::GetAtt": ["A", "B"]}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    document: Map<String, Value>,
}

impl Template {
    /// Reads a file: JSON when it is called so, YAML otherwise.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no template.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TemplateError> {
        let path = path.as_ref();
        let wrong = |what: String| TemplateError::new(path.display().to_string(), what);
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let template = if is_json { Self::from_json(&text) } else { Self::from_yaml(&text) };
        template.map_err(|error| wrong(error.to_string()))
    }

    /// A template in YAML.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_yaml(text: &str) -> Result<Self, TemplateError> {
        Self::from_value(yaml::parse(text)?)
    }

    /// A template in JSON.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_json(text: &str) -> Result<Self, TemplateError> {
        let value = serde_json::from_str(text);
        Self::from_value(value.map_err(|error| TemplateError::new("template", error.to_string()))?)
    }

    fn from_value(value: Value) -> Result<Self, TemplateError> {
        match value {
            Value::Object(document) if document.get("Resources").is_some_and(Value::is_object) => {
                Ok(Self { document })
            }
            _ => Err(TemplateError::new("template", "has no resources")),
        }
    }

    /// Its parts by name: `Parameters`, `Conditions`, `Outputs`, …
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Value> {
        self.document.get(name)
    }

    /// Everything that it makes, by logical id.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.document.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten().map(|(id, definition)| Resource::new(id, definition))
    }

    /// What has this logical id.
    ///
    /// # Errors
    ///
    /// When nothing has.
    pub fn resource(&self, id: &str) -> Result<Resource<'_>, TemplateError> {
        let found = self.resources().find(|resource| resource.id() == id);
        found.ok_or_else(|| TemplateError::new(id, "there is no such resource"))
    }

    /// Its Lambda functions.
    pub fn functions(&self) -> impl Iterator<Item = Function<'_>> {
        let is_function = |kind: &str| matches!(kind, "AWS::Serverless::Function" | "AWS::Lambda::Function");
        let functions = self.resources().filter(move |resource| is_function(resource.kind()));
        functions.map(|resource| Function::new(self, resource))
    }

    /// The function of this logical id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn function(&self, id: &str) -> Result<Function<'_>, TemplateError> {
        let found = self.functions().find(|function| function.id() == id);
        found.ok_or_else(|| TemplateError::new(id, "there is no such function"))
    }

    /// Its DynamoDB tables.
    pub fn tables(&self) -> impl Iterator<Item = Table<'_>> {
        self.resources().filter(|resource| resource.kind() == "AWS::DynamoDB::Table").map(Table::new)
    }

    /// Its event source mappings.
    pub fn mappings(&self) -> impl Iterator<Item = Mapping<'_>> {
        let mappings =
            self.resources().filter(|resource| resource.kind() == "AWS::Lambda::EventSourceMapping");
        mappings.map(|resource| Mapping::new(self, resource))
    }

    /// A value as it is when each parameter has its default, as far as parameters are concerned.
    #[must_use]
    pub fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) => match self.resolve_intrinsic(object) {
                Some(resolved) => resolved,
                None => {
                    let members = object.iter().map(|(name, member)| (name.clone(), self.resolve(member)));
                    Value::Object(members.collect())
                }
            },
            Value::Array(elements) => elements.iter().map(|element| self.resolve(element)).collect(),
            plain => plain.clone(),
        }
    }

    fn resolve_intrinsic(&self, object: &Map<String, Value>) -> Option<Value> {
        if object.len() > 1 {
            return None;
        }
        if let Some(name) = object.get("Ref").and_then(Value::as_str) {
            return self.default(name).cloned();
        }
        let mut text = object.get("Fn::Sub").and_then(Value::as_str)?.to_owned();
        let parameters = self.section("Parameters").and_then(Value::as_object);
        for name in parameters.into_iter().flat_map(Map::keys) {
            if let Some(default) = self.default(name) {
                let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
                text = text.replace(&format!("${{{name}}}"), &default);
            }
        }
        Some(if text.contains("${") { serde_json::json!({"Fn::Sub": text}) } else { Value::String(text) })
    }

    /// What a parameter is when nobody sets it.
    fn default(&self, parameter: &str) -> Option<&Value> {
        self.section("Parameters")?.get(parameter)?.get("Default")
    }
}

#[cfg(test)]
mod tests;
