#!/usr/bin/env bash
# serde 1.0.229 with serde_json 1.0.154, without its feature arbitrary_precision.
#
# Guess:     an untagged enum takes the first variant that the text fits, so u128 before f64 keeps every whole number; a
#            field of type u128 reads 18446744073709551617 exactly, and so does such a variant.
# Behaviour: an untagged variant with a u128 never fits, be the number as small as 1: the text goes to a buffer first, which
#            gives out no 128-bit integers. With an f64 variant after it nothing fails: the enum writes a whole number and
#            reads a float that is close to it. Without one, and for an internally tagged enum and a flattened field, it is
#            an error, for 1 as well.
# Seen:      untagged u128, f64: 1 -> Broken(1.0); 18446744073709551617 -> Broken(1.8446744073709552e19)
#            untagged u64, f64:  1 -> Whole(1)
#            plain u128:         18446744073709551617 -> 18446744073709551617
#            internally tagged:  1 -> u128 is not supported
#            flattened:          1 -> u128 is not supported at line 1 column 13
#
# Needs Cargo. Exits with 1 when this is no longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
cd "$FOLDER"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
serde = { version = "=1.0.229", features = ["derive"] }
serde_json = "=1.0.154"
TOML
cat >src/main.rs <<'RUST'
use std::{fmt::Debug, process::ExitCode};

use serde::{de::DeserializeOwned, Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Untagged {
    Whole(u128),
    Broken(f64),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code)]
enum Narrow {
    Whole(u64),
    Broken(f64),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
#[allow(dead_code)]
enum Tagged {
    Whole { number: u128 },
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Inner {
    number: u128,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Flattened {
    #[serde(flatten)]
    inner: Inner,
}

fn read<T: DeserializeOwned + Debug>(text: &str) -> String {
    match serde_json::from_str::<T>(text) {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

fn main() -> ExitCode {
    const LARGE: &str = "18446744073709551617";
    let written = serde_json::to_string(&Untagged::Whole(LARGE.parse().unwrap())).unwrap();
    let seen = [
        ("untagged u128, f64", "1", read::<Untagged>("1"), "Broken(1.0)"),
        ("untagged u128, f64", &written, read::<Untagged>(&written), "Broken(1.8446744073709552e19)"),
        ("untagged u64, f64", "1", read::<Narrow>("1"), "Whole(1)"),
        ("plain u128", LARGE, read::<u128>(LARGE), LARGE),
        ("internally tagged", "1", read::<Tagged>(r#"{"kind": "Whole", "number": 1}"#), "u128 is not supported"),
        ("flattened", "1", read::<Flattened>(r#"{"number": 1}"#), "u128 is not supported"),
    ];
    for (name, text, value, _) in &seen {
        println!("{name}: {text} -> {value}");
    }
    let as_described = written == LARGE && seen.iter().all(|(_, _, value, expected)| value.starts_with(expected));
    ExitCode::from(u8::from(!as_described))
}
RUST
CARGO_TARGET_DIR=target cargo run --quiet
