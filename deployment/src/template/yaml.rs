//! YAML with CloudFormation's tags, as JSON.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Number, Value, json};

use super::TemplateError;

/// The one document of a text.
pub(super) fn parse(text: &str) -> Result<Value, TemplateError> {
    let documents = Yaml::load_from_str(text);
    let documents = documents.map_err(|error| TemplateError::new("template", error.to_string()))?;
    match documents.as_slice() {
        [document] => to_json(document),
        several => Err(TemplateError::new("template", format!("has {} documents", several.len()))),
    }
}

fn to_json(yaml: &Yaml<'_>) -> Result<Value, TemplateError> {
    let wrong = |what: String| TemplateError::new("template", what);
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => {
            let number = Number::from_f64(value.into_inner());
            Value::Number(number.ok_or_else(|| wrong(format!("has the number {value}")))?)
        }
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(elements) => Value::Array(elements.iter().map(to_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(members) => {
            let member = |(name, value): (&Yaml<'_>, &Yaml<'_>)| match to_json(name)? {
                Value::String(name) => Ok((name, to_json(value)?)),
                name => Err(wrong(format!("has the key {name}, which is no text"))),
            };
            Value::Object(members.iter().map(member).collect::<Result<Map<_, _>, _>>()?)
        }
        Yaml::Tagged(tag, value) if tag.handle == "!" => intrinsic(&tag.suffix, to_json(value)?),
        strange => return Err(wrong(format!("has {strange:?}"))),
    })
}

/// The long form of an intrinsic function.
fn intrinsic(name: &str, argument: Value) -> Value {
    match (name, argument) {
        ("Ref" | "Condition", argument) => json!({ name: argument }),
        ("GetAtt", Value::String(dotted)) => {
            let (id, attribute) = dotted.split_once('.').unwrap_or((&dotted, ""));
            json!({"Fn::GetAtt": [id, attribute]})
        }
        (name, argument) => json!({ format!("Fn::{name}"): argument }),
    }
}
