//! [`Settings`]: the environment of a service, read once and checked before anything starts.

use std::path::PathBuf;

use crate::Error;

/// What the environment says.
#[derive(Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) data_dir: PathBuf,
    pub(crate) log_filter: String,
    pub(crate) log_format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Pretty,
}

impl Settings {
    /// The settings that these variables make.
    pub(crate) fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut settings = Self {
            host: "127.0.0.1".into(),
            port: 3000,
            data_dir: "data".into(),
            log_filter: "info".into(),
            log_format: LogFormat::Pretty,
        };
        for (variable, value) in variables {
            if value.is_empty() {
                continue;
            }
            match variable.as_str() {
                "HOST" => settings.host = value,
                "PORT" => {
                    let port = value.parse();
                    settings.port =
                        port.map_err(|_| wrong("PORT", &value, "a port number from 0 to 65535"))?;
                }
                "DATA_DIR" => settings.data_dir = value.into(),
                "RUST_LOG" => settings.log_filter = value,
                "LOG_FORMAT" => settings.log_format = log_format(&value)?,
                table if table == "DYNAMODB_TABLE" || table.starts_with("DYNAMODB_TABLE_") => {
                    return Err(Error::Unsupported { variable, what: "the DynamoDB store" });
                }
                _ => {}
            }
        }
        Ok(settings)
    }
}

fn log_format(value: &str) -> Result<LogFormat, Error> {
    match value {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err(wrong("LOG_FORMAT", value, "`json` or `pretty`")),
    }
}

/// The error for a variable that is set to something that means nothing.
pub(crate) fn wrong(variable: &'static str, value: &str, expected: &'static str) -> Error {
    Error::Setting { variable, value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(variables).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn nothing_has_to_be_set_and_an_empty_setting_is_none() {
        let default = read(&[]).expect("all have defaults");
        assert_eq!((default.host.as_str(), default.port), ("127.0.0.1", 3000));
        assert_eq!(
            read(&[("PORT", ""), ("LOG_FORMAT", ""), ("DYNAMODB_TABLE", "")]).expect("empty"),
            default
        );
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_it_should_be() {
        for (variable, value, message) in [
            ("PORT", "http", r#"PORT="http" is not a port number from 0 to 65535"#),
            ("PORT", "65536", r#"PORT="65536" is not a port number from 0 to 65535"#),
            ("LOG_FORMAT", "xml", r#"LOG_FORMAT="xml" is not `json` or `pretty`"#),
            (
                "DYNAMODB_TABLE_ORDER",
                "o",
                "DYNAMODB_TABLE_ORDER is set, but this program was built without the DynamoDB store",
            ),
        ] {
            assert_eq!(read(&[(variable, value)]), Err(message.to_owned()));
        }
    }
}
