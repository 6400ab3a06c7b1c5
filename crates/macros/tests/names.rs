//! The derive and serde call each variant by one name, whatever serde's attributes say.

// Names are the subject here: some are not what one would call a variant.
#![allow(non_camel_case_types, clippy::enum_variant_names)]

use std::fmt::Debug;

use aws_event_sourcing_core::Event;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name that serde writes: the whole of a unit variant, the only key of any other.
fn written(event: &impl Event) -> String {
    match serde_json::to_value(event).expect("can be written") {
        Value::String(name) => name,
        Value::Object(object) if object.len() == 1 => object.into_iter().map(|(name, _)| name).collect(),
        other => panic!("not an externally tagged variant: {other}"),
    }
}

/// `events` is one of each variant, in the order of their declaration.
fn assert_serde_agrees<E: Event + Debug + PartialEq>(events: &[E]) {
    let names: Vec<_> = events.iter().map(written).collect();
    assert_eq!(E::TYPES, names);
    for (event, name) in events.iter().zip(names) {
        assert_eq!(event.event_type(), name);
        let value = serde_json::to_value(event).expect("can be written");
        let read: E = serde_json::from_value(value).expect("can be read");
        assert_eq!(read, *event);
    }
}

/// One test for each rule. The literals reach the derive through a macro, as they do in users' macros.
macro_rules! rename_all {
    ($($rule:literal $test:ident [$($further:ident),*])*) => {$(
        #[test]
        fn $test() {
            #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
            #[serde(rename_all = $rule)]
            enum Sample {
                Happened,
                A,
                ProductRestocked { amount: u32 },
                HTTPServerStarted,
                ItemV2Added(u32),
                X1Y2Z3,
                _Underscored,
                Snake_Cased_,
                r#type,
                r#Match,
                CaféOpened,
                #[serde(rename = "Named_by-hand")]
                Renamed,
                $($further,)*
            }

            assert_serde_agrees(&[
                Sample::Happened,
                Sample::A,
                Sample::ProductRestocked { amount: 1 },
                Sample::HTTPServerStarted,
                Sample::ItemV2Added(2),
                Sample::X1Y2Z3,
                Sample::_Underscored,
                Sample::Snake_Cased_,
                Sample::r#type,
                Sample::r#Match,
                Sample::CaféOpened,
                Sample::Renamed,
                $(Sample::$further,)*
            ]);
        }
    )*};
}

rename_all! {
    "lowercase" lowercase [ÉclairBaked, MidÉclair]
    "UPPERCASE" uppercase [ÉclairBaked, MidÉclair]
    "PascalCase" pascal_case [ÉclairBaked, MidÉclair]
    // serde's derive itself panics when the first letter is not ASCII.
    "camelCase" camel_case [MidÉclair]
    "snake_case" snake_case [ÉclairBaked, MidÉclair]
    "SCREAMING_SNAKE_CASE" screaming_snake_case [ÉclairBaked, MidÉclair]
    "kebab-case" kebab_case [ÉclairBaked, MidÉclair]
    "SCREAMING-KEBAB-CASE" screaming_kebab_case [ÉclairBaked, MidÉclair]
}

#[test]
fn no_rule() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
    #[serde(rename = "SomethingElse")]
    enum Sample {
        HTTPServerStarted,
        ÉclairBaked { amount: u32 },
        r#type(u8),
        Empty {},
    }

    assert_serde_agrees(&[
        Sample::HTTPServerStarted,
        Sample::ÉclairBaked { amount: 1 },
        Sample::r#type(2),
        Sample::Empty {},
    ]);
}

#[test]
fn one_name_for_each_direction() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
    #[serde(rename_all(serialize = "snake_case", deserialize = "kebab-case"))]
    enum Sample {
        #[serde(alias = "product_held")]
        ProductHeld,
        #[serde(rename(deserialize = "product_reserved", deserialize = "reserved"))]
        ProductReserved,
        #[serde(rename(serialize = "product-restocked"))]
        ProductRestocked {
            amount: u32,
        },
        #[serde(rename(serialize = "moved", deserialize = "went"), alias = "gone", alias = "moved")]
        ProductMoved(String),
        Sold,
    }

    assert_serde_agrees(&[
        Sample::ProductHeld,
        Sample::ProductReserved,
        Sample::ProductRestocked { amount: 1 },
        Sample::ProductMoved("out".to_owned()),
        Sample::Sold,
    ]);
}

#[test]
fn a_rule_of_a_variant_is_about_its_fields() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
    #[serde(rename_all_fields = "camelCase")]
    enum Sample {
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        ProductRestocked { amount_of_items: u32 },
    }

    assert_serde_agrees(&[Sample::ProductRestocked { amount_of_items: 1 }]);
}

#[test]
fn names_among_other_attributes() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
    #[serde()]
    #[serde(
        bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"),
        rename_all = "kebab-case"
    )]
    #[serde(expecting = "an event, of a product", deny_unknown_fields)]
    enum Sample<T> {
        #[serde(bound(serialize = "T: Serialize"), alias = "ProductHeld")]
        #[serde(rename(serialize = "held, \"for\" someone", deserialize = "held, \"for\" someone"))]
        ProductHeld {
            #[serde(rename = "whom")]
            by: T,
        },
        #[serde(with = "twice")]
        ProductRestocked(u32),
        #[doc = "serde(rename = \"not this\")"]
        ProductSold,
    }

    mod twice {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub(super) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
            (value * 2).serialize(serializer)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
            u32::deserialize(deserializer).map(|value| value / 2)
        }
    }

    assert_serde_agrees(&[
        Sample::ProductHeld { by: "me".to_owned() },
        Sample::ProductRestocked(3),
        Sample::ProductSold,
    ]);
}
