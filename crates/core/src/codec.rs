//! Between a user's event enum and its [`EncodedEvent`](crate::EncodedEvent): the variant's stored name, and its content as JSON.
//!
//! serde describes the enum, so that `rename`, `alias`, `default` and the like mean what they always mean. Only the
//! outermost level is taken apart here: the name goes to one place and the content to another, without a detour
//! through a JSON object that holds both.
//!
//! An event is written in the form in which every store gives it back, and read back at once: what a state is made of is
//! what its history says, also before anybody has read that.

mod decode;
mod encode;
mod finite;

pub(crate) use self::encode::{RoundTrip, round_trip};
pub use self::{
    decode::{DecodeError, decode},
    encode::{EncodeError, encode},
};

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::Event;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Address {
        street: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor: Option<i8>,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Lossy {
        #[serde(skip_serializing)]
        needed: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
    enum Sample {
        Unit,
        Fieldless {},
        Struct {
            a: u64,
            b: Vec<f64>,
        },
        Newtype(Address),
        Scalar(i128),
        Nothing(Option<u8>),
        #[serde(rename = "new-name", alias = "OldName")]
        Renamed,
        Unreadable(Lossy),
    }

    fn encoded(event: &Sample) -> (String, Option<String>) {
        let encoded = encode(event).expect("can be stored");
        (encoded.event_type.into_owned(), encoded.data.map(|data| data.as_str().to_owned()))
    }

    #[test]
    fn every_shape_of_variant_comes_back_equal() {
        for (event, name, data) in [
            (Sample::Unit, "Unit", None),
            (Sample::Fieldless {}, "Fieldless", None),
            (
                Sample::Struct { a: u64::MAX, b: vec![0.1, -0.0, 5e-324, f64::MAX] },
                "Struct",
                Some(r#"{"a":18446744073709551615,"b":[0.1,0,5e-324,1.7976931348623157e+308]}"#),
            ),
            (
                Sample::Newtype(Address { street: "Σ\u{0}\"".into(), floor: None }),
                "Newtype",
                Some("{\"street\":\"Σ\\u0000\\\"\"}"),
            ),
            (Sample::Scalar(i128::MIN), "Scalar", Some("-170141183460469231731687303715884105728")),
            (Sample::Nothing(None), "Nothing", Some("null")),
            (Sample::Renamed, "new-name", None),
        ] {
            assert_eq!(encoded(&event), (name.to_owned(), data.map(str::to_owned)));
            assert_eq!(event.event_type(), name);
            let stored = encode(&event).expect("can be stored");
            assert_eq!(decode::<Sample>(&stored).expect("can be read"), event);
        }
    }

    #[test]
    fn older_stored_forms_stay_readable() {
        let stored = |event_type: &'static str, data: Option<&str>| EncodedEvent {
            event_type: event_type.into(),
            data: data.map(|text| Json::parse(text).expect("valid")),
        };
        assert_eq!(decode::<Sample>(&stored("OldName", None)).expect("alias"), Sample::Renamed);
        // It had a field once.
        assert_eq!(
            decode::<Sample>(&stored("Unit", Some(r#"{"gone": 1}"#))).expect("no fields"),
            Sample::Unit
        );
        let with_more = stored("Newtype", Some(r#"{"street": "A", "later": [1]}"#));
        assert_eq!(
            decode::<Sample>(&with_more).expect("unknown fields are passed over"),
            Sample::Newtype(Address { street: "A".into(), floor: None })
        );
    }

    #[test]
    fn what_could_not_be_read_back_is_refused() {
        for (event, expected) in [
            (Sample::Struct { a: 0, b: vec![1.0, f64::NAN] }, "not a finite number"),
            (Sample::Struct { a: 0, b: vec![f64::INFINITY] }, "not a finite number"),
            (Sample::Unreadable(Lossy { needed: 1 }), "cannot be read back"),
        ] {
            let error = encode(&event).expect_err("cannot be stored");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn an_unknown_type_and_wrong_content_are_told_apart() {
        let unknown = decode::<Sample>(&EncodedEvent { event_type: "Gone".into(), data: None });
        assert!(matches!(unknown, Err(DecodeError::UnknownType)), "{unknown:?}");
        let data = Some(Json::parse(r#"{"a": -1, "b": []}"#).expect("valid"));
        let wrong = decode::<Sample>(&EncodedEvent { event_type: "Struct".into(), data });
        assert!(matches!(wrong, Err(DecodeError::Content(_))), "{wrong:?}");
    }

    use crate::{EncodedEvent, Json};
}
