//! The examples' templates pass the linters, and the linters are ones that refuse what is wrong.

use std::{
    path::Path,
    process::{Command, Output},
};

use deployment::{Tool, example};

const EXAMPLES: [&str; 2] = ["shopping", "deploys"];

fn run(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().expect("it can be run");
    (status.success(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

fn sam_validate(template: &Path) -> (bool, String) {
    let mut sam = Tool::Sam.command().expect("sam");
    run(sam.args(["validate", "--lint", "--template"]).arg(template))
}

fn cfn_lint(template: &Path) -> (bool, String) {
    run(Tool::CfnLint.command().expect("cfn-lint").arg(template))
}

#[test]
fn sam_accepts_the_examples() {
    for name in EXAMPLES {
        let (accepted, said) = sam_validate(&example(name).join("template.yaml"));
        assert!(accepted, "{name}: {said}");
    }
}

#[test]
fn cfn_lint_accepts_the_examples() {
    for name in EXAMPLES {
        let (accepted, said) = cfn_lint(&example(name).join("template.yaml"));
        assert!(accepted, "{name}: {said}");
    }
}

#[test]
fn both_refuse_a_template_that_is_wrong() {
    let wrong = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong.yaml");
    for (accepted, said) in [sam_validate(&wrong), cfn_lint(&wrong)] {
        assert!(!accepted, "{said}");
        // For what it is wrong in, and not because it could not be read.
        for fault in ["'Stream' was unexpected", "'BEGINNING' does not match", "'Function' is not one of"] {
            assert!(said.contains(fault), "{fault} is not in: {said}");
        }
    }
}
