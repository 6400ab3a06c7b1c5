//! From the user's event to its stored name and content.

use serde::{
    Serialize,
    ser::{Error as _, Impossible, SerializeStructVariant, Serializer},
};

use super::{DecodeError, decode, finite::is_finite};
use crate::{EncodedEvent, Event, Json};

/// Why an event cannot be stored. A mistake in the user's event type, not of its caller.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A NaN or an infinity, which JSON and DynamoDB have no number for. Use an `Option`, or an enum.
    #[error("an event of type {event_type} holds a float that is not a finite number")]
    NotFinite {
        /// The event's stored name.
        event_type: &'static str,
    },
    /// The event's `Serialize` failed, or it has no JSON that every store could hold.
    #[error("an event of type {event_type} has no JSON")]
    NoJson {
        /// The event's stored name.
        event_type: &'static str,
        /// serde's reason.
        source: serde_json::Error,
    },
    /// What would be stored is not what the event's `Deserialize` accepts, so the history could not be read again.
    #[error("an event of type {event_type} would be stored in a form that cannot be read back")]
    Unreadable {
        /// The event's stored name.
        event_type: &'static str,
        /// What reading it says.
        source: DecodeError,
    },
}

/// How the event is stored: in every store by the same text, which can be decoded again. See [`Json::from_value`].
///
/// # Errors
///
/// When the event has no JSON, or none that could be read back.
pub fn encode<E: Event>(event: &E) -> Result<EncodedEvent, EncodeError> {
    round_trip(event).map(|RoundTrip { stored, .. }| stored)
}

/// An event on its way into a store and back.
#[derive(Debug)]
pub(crate) struct RoundTrip<E> {
    /// How it is stored.
    pub(crate) stored: EncodedEvent,
    /// As whom it is read from then on. It may differ: a field was left out, a float is a whole number.
    pub(crate) read: E,
}

/// Encodes the event, and decodes it again.
pub(crate) fn round_trip<E: Event>(event: &E) -> Result<RoundTrip<E>, EncodeError> {
    let event_type = event.event_type();
    if !is_finite(event) {
        return Err(EncodeError::NotFinite { event_type });
    }
    let stored = event.serialize(TopLevel).map_err(|source| EncodeError::NoJson { event_type, source })?;
    debug_assert_eq!(stored.event_type, event_type, "the derive and serde agree on the stored name");
    let read = decode(&stored).map_err(|source| EncodeError::Unreadable { event_type, source })?;
    Ok(RoundTrip { stored, read })
}

fn encoded(event_type: &'static str, content: Vec<u8>) -> Result<EncodedEvent, serde_json::Error> {
    let content = String::from_utf8(content).map_err(serde_json::Error::custom)?;
    let data = Json::canonical(&content)?;
    Ok(EncodedEvent { event_type: event_type.into(), data: (data.as_str() != "{}").then_some(data) })
}

/// Takes the outermost level of an enum apart; what is inside goes to `serde_json`.
struct TopLevel;

/// A struct variant on its way, field by field.
struct Fields {
    event_type: &'static str,
    content: Vec<u8>,
}

impl SerializeStructVariant for Fields {
    type Ok = EncodedEvent;
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.content.push(if self.content.is_empty() { b'{' } else { b',' });
        serde_json::to_writer(&mut self.content, key)?;
        self.content.push(b':');
        serde_json::to_writer(&mut self.content, value)
    }

    fn end(mut self) -> Result<EncodedEvent, Self::Error> {
        if self.content.is_empty() {
            self.content.push(b'{');
        }
        self.content.push(b'}');
        encoded(self.event_type, self.content)
    }
}

fn not_an_enum<T>() -> Result<T, serde_json::Error> {
    Err(serde_json::Error::custom("an event is an enum with unit, newtype and struct variants"))
}

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, Self::Error> {
            not_an_enum()
        })*
    };
}

impl Serializer for TopLevel {
    type Ok = EncodedEvent;
    type Error = serde_json::Error;
    type SerializeSeq = Impossible<EncodedEvent, serde_json::Error>;
    type SerializeTuple = Impossible<EncodedEvent, serde_json::Error>;
    type SerializeTupleStruct = Impossible<EncodedEvent, serde_json::Error>;
    type SerializeTupleVariant = Impossible<EncodedEvent, serde_json::Error>;
    type SerializeMap = Impossible<EncodedEvent, serde_json::Error>;
    type SerializeStruct = Impossible<EncodedEvent, serde_json::Error>;
    type SerializeStructVariant = Fields;

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<EncodedEvent, Self::Error> {
        Ok(EncodedEvent { event_type: variant.into(), data: None })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<EncodedEvent, Self::Error> {
        encoded(variant, serde_json::to_vec(value)?)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, Self::Error> {
        Ok(Fields { event_type: variant, content: Vec::new() })
    }

    refuse! {
        serialize_bool(bool) -> EncodedEvent;
        serialize_i8(i8) -> EncodedEvent;
        serialize_i16(i16) -> EncodedEvent;
        serialize_i32(i32) -> EncodedEvent;
        serialize_i64(i64) -> EncodedEvent;
        serialize_u8(u8) -> EncodedEvent;
        serialize_u16(u16) -> EncodedEvent;
        serialize_u32(u32) -> EncodedEvent;
        serialize_u64(u64) -> EncodedEvent;
        serialize_f32(f32) -> EncodedEvent;
        serialize_f64(f64) -> EncodedEvent;
        serialize_char(char) -> EncodedEvent;
        serialize_str(&str) -> EncodedEvent;
        serialize_bytes(&[u8]) -> EncodedEvent;
        serialize_none() -> EncodedEvent;
        serialize_unit() -> EncodedEvent;
        serialize_unit_struct(&'static str) -> EncodedEvent;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<EncodedEvent, Self::Error> {
        not_an_enum()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<EncodedEvent, Self::Error> {
        not_an_enum()
    }
}
