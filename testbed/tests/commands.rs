//! Every block of shell commands in the documentation is run by a test.

use std::fs;

use testbed::{ShellBlock, workspace};

/// A block, by its file and its beginning, and the test that runs it: file and name.
type Row = (&'static str, &'static str, &'static str, &'static str);

const README: &str = "examples/shopping/tests/readme.rs";
const AWS: &str = "deployment/tests/commands.rs";
const TABLES: &str = "crates/cli/tests/commands.rs";
const BACKUP: &str = "crates/cli/tests/backup.rs";

const RUN_BY: [Row; 36] = [
    ("README.md", "cargo run -p shopping\n", README, "its_first_command_serves_the_shop"),
    ("README.md", "SHOP=", README, "its_commands_do_what_it_says"),
    ("README.md", "cargo xtask test\n", ".ci/run", "cargo xtask test"),
    ("README.md", "curl -s $SHOP/reorders", README, "its_commands_do_what_it_says"),
    ("README.md", "eventctl table create products", TABLES, "tables_are_made_and_read_by_hand"),
    (
        "README.md",
        "cargo xtask dynamodb-local\n",
        README,
        "its_dynamodb_local_has_the_tables_of_the_examples",
    ),
    ("README.md", "pip install aws-sam-cli", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("README.md", "sqlite3 data/events.db", README, "its_commands_do_what_it_says"),
    // Its first and third commands. The others are these again, or measure for minutes with all that is optimised.
    ("CONTRIBUTING.md", "cargo xtask test ", ".ci/run", "cargo xtask check"),
    ("docs/backup.md", "eventctl backup", BACKUP, "the_documented_commands_back_up_and_restore"),
    ("docs/backup.md", "eventctl restore", BACKUP, "the_documented_commands_back_up_and_restore"),
    ("docs/deploy.md", "pip install aws-sam-cli", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "SHOP=$(aws", AWS, "the_outputs_of_a_stack_are_asked_for"),
    ("docs/deploy.md", "sam logs", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "cd examples/deploys", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "export SUBSCRIPTIONS_TABLE=", TABLES, "what_is_parked_is_looked_at_and_skipped"),
    ("docs/deploy.md", "sam build && sam deploy --parameter", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "aws s3 ls", AWS, "a_batch_that_was_set_aside_is_handed_to_the_function_again"),
    ("docs/deploy.md", "git pull", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "git checkout", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "sam delete", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "aws dynamodb update-table", AWS, "a_stack_is_deployed_watched_and_removed"),
    ("docs/deploy.md", "npm install --global osls", AWS, "the_serverless_framework_deploys_and_removes"),
    (
        "docs/restore.md",
        "aws dynamodb restore-table-to-point-in-time",
        AWS,
        "a_table_is_restored_to_a_new_name",
    ),
    ("docs/restore.md", "eventctl table check products-2", TABLES, "an_orphan_is_found_and_taken_out"),
    ("docs/restore.md", "eventctl table verify products\n", TABLES, "an_orphan_is_found_and_taken_out"),
    ("docs/restore.md", "ORPHAN=", TABLES, "an_orphan_is_found_and_taken_out"),
    (
        "docs/stored-form.md",
        "aws dynamodb query --table-name products --consistent-read",
        TABLES,
        "tables_are_made_and_read_by_hand",
    ),
    (
        "docs/stored-form.md",
        "aws dynamodb query --table-name products --no-scan",
        TABLES,
        "tables_are_made_and_read_by_hand",
    ),
    (
        "docs/stored-form.md",
        "aws dynamodb query --table-name products --index-name",
        TABLES,
        "tables_are_made_and_read_by_hand",
    ),
    (
        "docs/stored-form.md",
        "aws dynamodb scan --table-name products",
        TABLES,
        "tables_are_made_and_read_by_hand",
    ),
    (
        "docs/stored-form.md",
        "aws dynamodb query --table-name subscriptions --index-name",
        TABLES,
        "tables_are_made_and_read_by_hand",
    ),
    (
        "docs/stored-form.md",
        "aws dynamodb query --table-name subscriptions \\",
        TABLES,
        "tables_are_made_and_read_by_hand",
    ),
    ("docs/subscriptions.md", "eventctl parked list", TABLES, "what_is_parked_is_looked_at_and_skipped"),
    ("docs/subscriptions.md", "   eventctl parked skip", TABLES, "what_is_parked_is_looked_at_and_skipped"),
    ("docs/subscriptions.md", "eventctl table create", TABLES, "tables_are_made_and_read_by_hand"),
];

#[test]
fn every_command_of_the_documentation_is_run_by_a_test() {
    for block in ShellBlock::all() {
        let rows = RUN_BY
            .iter()
            .filter(|(file, beginning, ..)| block.file == *file && block.text.starts_with(beginning));
        assert_eq!(rows.count(), 1, "{}:{}: which test runs this?\n{}", block.file, block.line, block.text);
    }
}

#[test]
fn the_tests_that_run_them_are_there() {
    for (file, beginning, test_file, test) in RUN_BY {
        assert!(ShellBlock::find(file, beginning).starts_with(beginning));
        let tests = fs::read_to_string(workspace().join(test_file)).expect("a file of tests");
        let name = if test_file.ends_with(".rs") { format!("fn {test}()") } else { test.to_owned() };
        assert!(tests.contains(&name), "{test_file} has no {name}");
    }
}
