//! [`StreamEvent`]: records of a table's stream, as AWS Lambda hands them over.
//!
//! The shape is the one of AWS's documentation:
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.

use std::collections::HashMap;

use aws_event_sourcing_core::StoreError;
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::Deserialize;

use crate::{
    change::{Change, Place},
    item::Item,
};

/// What AWS Lambda hands over of a stream: records of one shard, in order.
///
/// ```
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use aws_event_sourcing_dynamodb::{Change, StreamEvent};
///
/// let event: StreamEvent = serde_json::from_str(r#"{"Records": []}"#)?;
/// for record in event.records {
///     if let Change::Committed(commit) = record.change("product")? {
///         println!("{} has event {}", commit.resource, commit.number);
///     }
/// }
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// A record of a stream.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamRecord {
    event_name: String,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    dynamodb: StreamedItem,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamedItem {
    #[serde(default)]
    keys: HashMap<String, Attribute>,
    new_image: Option<HashMap<String, Attribute>>,
    sequence_number: String,
}

/// An attribute's value with its type's letter in front.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Attribute {
    S(String),
    N(String),
    Bool(bool),
    Null(bool),
    M(HashMap<String, Self>),
    L(Vec<Self>),
    Ss(Vec<String>),
    Ns(Vec<String>),
    B(String),
    Bs(Vec<String>),
}

impl StreamRecord {
    /// Whether it is about this table, which goes by its name or by its ARN, as in every request to DynamoDB.
    #[must_use]
    pub fn is_of(&self, table: &str) -> bool {
        self.table_arn() == Some(table) || self.table() == Some(table)
    }

    fn table_arn(&self) -> Option<&str> {
        // arn:aws:dynamodb:eu-central-1:123456789012:table/products/stream/2026-11-25T00:00:00.000
        self.event_source_arn.split_once("/stream/").map(|(table, _)| table)
    }

    fn table(&self) -> Option<&str> {
        self.table_arn()?.split_once(":table/").map(|(_, name)| name)
    }

    /// The ARN of the stream.
    #[must_use]
    pub fn stream_arn(&self) -> &str {
        &self.event_source_arn
    }

    /// What an answer names it by.
    #[must_use]
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// What it tells of a resource of this type, which is the type of the table.
    ///
    /// # Errors
    ///
    /// When it tells of an item that is no commit: that [names the resource](StoreError::unreadable), and the records behind it
    /// can be read. When it has no image of the item: the stream has to have new images.
    pub fn change(self, resource_type: &str) -> Result<Change, StoreError> {
        let table = self.table().unwrap_or(&self.event_source_arn).into();
        let StreamedItem { keys, new_image, sequence_number } = self.dynamodb;
        let (keys, image) = (to_item(keys), new_image.map(to_item));
        let place = Place { table: &table, within: &"a batch".into(), record: &sequence_number };
        Ok(Change::read(&self.event_name, &keys, image, &resource_type.into(), place)?)
    }
}

fn to_item(attributes: HashMap<String, Attribute>) -> Item {
    attributes.into_iter().map(|(name, value)| (name, value.into())).collect()
}

impl From<Attribute> for AttributeValue {
    fn from(attribute: Attribute) -> Self {
        // Nothing of ours is binary. What is, is refused by its type, whatever it says.
        let blob = |base64: String| Blob::new(base64);
        match attribute {
            Attribute::S(text) => Self::S(text),
            Attribute::N(number) => Self::N(number),
            Attribute::Bool(bool) => Self::Bool(bool),
            Attribute::Null(null) => Self::Null(null),
            Attribute::M(entries) => Self::M(to_item(entries)),
            Attribute::L(elements) => Self::L(elements.into_iter().map(Into::into).collect()),
            Attribute::Ss(texts) => Self::Ss(texts),
            Attribute::Ns(numbers) => Self::Ns(numbers),
            Attribute::B(base64) => Self::B(blob(base64)),
            Attribute::Bs(base64) => Self::Bs(base64.into_iter().map(blob).collect()),
        }
    }
}
