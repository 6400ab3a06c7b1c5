//! From a stored name and its content to the user's event.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, VariantAccess,
    Visitor, value::StrDeserializer,
};

use crate::EncodedEvent;

/// Why a stored event is not one of the user's events.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No variant has this name or alias. Add the variant, or an `alias` to the one that took its place.
    #[error("no variant of the event enum has this name or alias")]
    UnknownType,
    /// The variant's fields do not fit what is stored. Give new fields a `default`.
    #[error("its data does not fit the variant's fields")]
    Content(#[source] serde_json::Error),
}

/// The event that is stored like this.
///
/// # Errors
///
/// When the user's enum has no such variant, or the variant other fields.
pub fn decode<E: DeserializeOwned>(event: &EncodedEvent) -> Result<E, DecodeError> {
    let mut known = false;
    let stored = Stored {
        event_type: &event.event_type,
        content: event.data.as_ref().map(crate::Json::as_str),
        known: &mut known,
    };
    E::deserialize(stored)
        .map_err(|error| if known { DecodeError::Content(error) } else { DecodeError::UnknownType })
}

/// An event in two parts, which serde sees as one externally tagged enum.
struct Stored<'de> {
    event_type: &'de str,
    content: Option<&'de str>,
    known: &'de mut bool,
}

impl<'de> Deserializer<'de> for Stored<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Stored<'de> {
    type Error = serde_json::Error;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'de>), Self::Error> {
        let variant = seed.deserialize(StrDeserializer::<serde_json::Error>::new(self.event_type))?;
        *self.known = true;
        Ok((variant, Content(self.content)))
    }
}

struct Content<'de>(Option<&'de str>);

impl<'de> Content<'de> {
    /// An event without fields is stored without data, whatever its variant looks like by now.
    fn text(&self) -> &'de str {
        self.0.unwrap_or("{}")
    }

    fn read<T>(
        &self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
        ) -> Result<T, serde_json::Error>,
    ) -> Result<T, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(self.text());
        let value = read(&mut json)?;
        json.end()?;
        Ok(value)
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        match self.0 {
            None => Ok(()),
            Some(_) => self.read(|json| json.deserialize_ignored_any(IgnoredAny)).map(drop),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Self::Error> {
        self.read(|json| seed.deserialize(json))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("a tuple variant with more than one field cannot be stored"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.read(|json| json.deserialize_struct("", fields, visitor))
    }
}
