use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "lowercase")]
pub enum Lower {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "UPPERCASE")]
pub enum Upper {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "PascalCase")]
pub enum Pascal {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "camelCase")]
pub enum Camel {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "snake_case")]
pub enum Snake {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScreamingSnake {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "kebab-case")]
pub enum Kebab {
    ProductSold,
}

#[derive(PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum ScreamingKebab {
    ProductSold,
}

fn main() {
    assert_eq!(Lower::TYPES, ["productsold"]);
    assert_eq!(Upper::TYPES, ["PRODUCTSOLD"]);
    assert_eq!(Pascal::TYPES, ["ProductSold"]);
    assert_eq!(Camel::TYPES, ["productSold"]);
    assert_eq!(Snake::TYPES, ["product_sold"]);
    assert_eq!(ScreamingSnake::TYPES, ["PRODUCT_SOLD"]);
    assert_eq!(Kebab::TYPES, ["product-sold"]);
    assert_eq!(ScreamingKebab::TYPES, ["PRODUCT-SOLD"]);
}
