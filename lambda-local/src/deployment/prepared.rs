//! [`Prepared`]: what a deployment is made of, before anything runs.

use std::path::PathBuf;

use deployment::Template;

use super::{Launch, parts};
use crate::{DynamoDb, Error, Function, Role};

/// An example that is built, and whose tables are there. Nothing calls its functions but whoever makes one.
#[derive(Debug)]
pub struct Prepared {
    pub(super) template: Template,
    pub(super) launch: Launch,
    pub(super) program: PathBuf,
    pub(super) tables: Vec<(String, String)>,
    pub(super) dynamodb: DynamoDb,
}

impl Prepared {
    /// Makes the function of this logical id: each time another one, with processes of its own. It may do everything.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn function(&self, id: &str) -> Result<Function, Error> {
        self.function_of(id, &self.dynamodb)
    }

    /// The same, over what is to be its DynamoDB.
    pub(super) fn function_of(&self, id: &str, dynamodb: &DynamoDb) -> Result<Function, Error> {
        let function = self.template.function(id)?;
        parts::function(&self.template, &function, &self.launch, &self.program, &self.tables, dynamodb)
    }

    /// What each function may do.
    pub(super) async fn roles(&self) -> Result<Vec<(String, Role)>, Error> {
        let mut roles = Vec::new();
        for function in self.template.functions() {
            let role = Role::start(&function, &self.tables, &self.dynamodb).await?;
            roles.push((function.id().to_owned(), role));
        }
        Ok(roles)
    }

    /// The name of the table of this logical id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn table(&self, id: &str) -> Result<&str, Error> {
        super::find(&self.tables, id).map(String::as_str)
    }
}
