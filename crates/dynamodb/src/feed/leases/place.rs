//! A [`Place`] as an attribute.

use aws_sdk_dynamodb::types::AttributeValue::{self, Bool, M, Null};

use super::Place;
use crate::item::{self, attribute};

/// `NULL` for the start of a segment, the key of a commit for what is behind it, and `true` for the end.
pub(super) fn to_attribute(place: &Place) -> AttributeValue {
    match place {
        Place::Start => Null(true),
        Place::Behind(id, number) => M(item::key(id, *number)),
        Place::End => Bool(true),
    }
}

/// None when it is not that.
pub(super) fn from_attribute(place: AttributeValue) -> Option<Place> {
    match place {
        Null(true) => Some(Place::Start),
        Bool(true) => Some(Place::End),
        M(mut key) => {
            let id = item::text(&mut key, attribute::ID).ok()??;
            let number = item::number(&mut key, attribute::NUMBER).ok()??;
            Some(Place::Behind(id.into(), number))
        }
        _ => None,
    }
}
