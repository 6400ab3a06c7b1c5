//! Calls that want nothing but a process that is awake, as tools that keep functions warm make them. Whatever could be something
//! that has happened is none: nobody would hear of it.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// What such an event has, besides what tells a tool's own calls apart.
#[derive(Deserialize)]
struct Ping {
    /// `serverless-plugin-warmup`.
    source: Option<String>,
    /// `warmer`, of `OpenNext`.
    r#type: Option<String>,
    warmer: Option<bool>,
    warmup: Option<bool>,
    #[serde(alias = "keepWarm")]
    keep_warm: Option<bool>,
}

/// Whether this is an event in which nothing is said, or one of the tools that are known.
pub(super) fn is_one(payload: &RawValue) -> bool {
    let text = payload.get();
    let members: Result<BTreeMap<String, IgnoredAny>, _> = serde_json::from_str(text);
    if members.is_ok_and(|members| members.is_empty()) {
        return true;
    }
    serde_json::from_str(text).is_ok_and(|Ping { source, r#type, warmer, warmup, keep_warm }| {
        source.as_deref() == Some("serverless-plugin-warmup")
            || r#type.as_deref() == Some("warmer")
            || [warmer, warmup, keep_warm].contains(&Some(true))
    })
}
