//! [`Bare`]: the function that a purchase is compared with, `bench/bare-put-item`.

use std::path::PathBuf;

use deployment::{Template, build_alike, example};
use lambda_local::{DynamoDb, Function};
use serde_json::{Map, Value, json};

use crate::Result;

const TABLE: &str = "bare";

/// A function that makes the `PutItem` of a purchase, and a table of its own for it which is like that of products.
pub(super) struct Bare {
    program: PathBuf,
    dynamodb: DynamoDb,
}

impl Bare {
    /// Builds it as the shop is built, and makes the table.
    pub(super) async fn prepare(dynamodb: DynamoDb) -> Result<Self> {
        let program = build_alike("bare-put-item", "shopping")?;
        let template = Template::read(example("shopping").join("template.yaml"))?;
        let products = template.tables().find(|table| table.id() == "ProductTable");
        let request = products.ok_or("the shop has no products")?.create_request(TABLE);
        dynamodb.ask("CreateTable", &request).await?;
        Ok(Self { program, dynamodb })
    }

    /// One that nobody has called yet.
    pub(super) fn function(&self) -> Result<Function> {
        let settings = Function::builder(&self.program).envs(self.dynamodb.settings());
        Ok(settings.env("TABLE", TABLE).build()?)
    }

    /// Makes sure that what it writes is like what a purchase has written: as many attributes, of the same names and lengths.
    pub(super) async fn check(&self, products: &str) -> Result {
        let [purchase, bare] = [self.shape(products).await?, self.shape(TABLE).await?];
        if purchase == bare {
            return Ok(());
        }
        Err(format!("a purchase writes {purchase:?}, and it is compared with {bare:?}").into())
    }

    /// The names of an item's attributes, and how long they are: those of some item that is not the first of its resource.
    async fn shape(&self, table: &str) -> Result<Vec<(String, usize)>> {
        let request = json!({
            "TableName": table,
            "FilterExpression": "#number = :number",
            "ExpressionAttributeNames": {"#number": "number"},
            "ExpressionAttributeValues": {":number": {"N": "100"}},
        });
        let found = self.dynamodb.ask("Scan", &request).await?;
        let item = found["Items"][0].as_object().ok_or("there is no such item")?;
        Ok(item.iter().map(|(name, value)| (name.clone(), length(value))).collect())
    }
}

/// How long the text or the number of an attribute is.
fn length(attribute: &Value) -> usize {
    let members = attribute.as_object().into_iter().flat_map(Map::values);
    members.map(|value| value.as_str().map_or_else(|| value.to_string().len(), str::len)).sum()
}
