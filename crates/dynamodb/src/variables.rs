//! The variables of the environment that name tables, for whoever reads them: the host of a service, and `eventctl`.

/// The variable for the table of a service with one resource type.
pub const TABLE_VARIABLE: &str = "DYNAMODB_TABLE";

/// The variable for the table of a resource type: the type's name in capitals, with `_` for what is neither a letter nor a
/// digit, behind `DYNAMODB_TABLE_`.
#[must_use]
pub fn table_variable(resource_type: &str) -> String {
    let letter = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' };
    format!("{TABLE_VARIABLE}_{}", resource_type.chars().map(letter).collect::<String>())
}
