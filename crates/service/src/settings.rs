//! [`Settings`]: the environment of a service, read once and checked before anything starts.

mod near_miss;

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use crate::{Error, base_path::BasePath};

/// Info, but nothing of what the AWS SDK says while it looks for a region and credentials in one place after the other:
/// when there are none, the error says so.
const DEFAULT_FILTER: &str = "info,aws_config=error";

/// The variable by which AWS Lambda tells a program where its runtime API is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// What the environment says.
#[derive(Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where clients find the API, if it says so.
    pub(crate) base_path: Option<BasePath>,
    pub(crate) data_dir: PathBuf,
    /// Tables in DynamoDB, in place of the embedded store.
    pub(crate) tables: Option<Tables>,
    /// The table for how far subscriptions are, beside those.
    pub(crate) subscriptions_table: Option<String>,
    /// How long what is in flight may take when the service stops, if it says so.
    pub(crate) stop_grace: Option<Duration>,
    pub(crate) log_filter: String,
    /// None: that of the place.
    pub(crate) log_format: Option<LogFormat>,
}

/// Where a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A process of its own, on a laptop or a server.
    Process,
    /// A function on AWS Lambda.
    #[cfg(feature = "lambda")]
    Lambda,
}

impl Place {
    /// Where events are when no table is set: in the embedded store, unless there is no disk that stays.
    fn without_tables(self) -> Result<Option<Tables>, Error> {
        match self {
            Self::Process => Ok(None),
            #[cfg(feature = "lambda")]
            Self::Lambda => Err(Error::NoTableOnLambda),
        }
    }
}

/// Which tables the resource types have in DynamoDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tables {
    /// `DYNAMODB_TABLE`: that of the one type that there is.
    One(String),
    /// `DYNAMODB_TABLE_<TYPE>`: one for each type, by the name of the variable.
    OfTypes(BTreeMap<String, String>),
}

/// The variable for the table of the only type. Those of several types begin with it.
pub(super) const TABLE: &str = "DYNAMODB_TABLE";

impl Tables {
    /// The variables that name tables of single types.
    #[cfg(feature = "dynamodb")]
    pub(crate) fn of_types(&self) -> impl Iterator<Item = &String> {
        let of_types = match self {
            Self::One(_) => None,
            Self::OfTypes(tables) => Some(tables),
        };
        of_types.into_iter().flat_map(BTreeMap::keys)
    }

    /// The table of a type.
    #[cfg(feature = "dynamodb")]
    pub(crate) fn of(&self, resource_type: &str) -> Option<&String> {
        match self {
            Self::One(table) => Some(table),
            Self::OfTypes(tables) => tables.get(&aws_event_sourcing_dynamodb::table_variable(resource_type)),
        }
    }
}

/// As it is set.
impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(table) => write!(f, "{TABLE}={table}"),
            Self::OfTypes(tables) => {
                let settings: Vec<_> =
                    tables.iter().map(|(variable, table)| format!("{variable}={table}")).collect();
                f.write_str(&settings.join(" "))
            }
        }
    }
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
            place: Place::Process,
            host: "127.0.0.1".into(),
            port: 3000,
            base_path: None,
            data_dir: "data".into(),
            tables: None,
            subscriptions_table: None,
            stop_grace: None,
            log_filter: DEFAULT_FILTER.into(),
            log_format: None,
        };
        let (mut one, mut of_types) = (None, BTreeMap::new());
        for (variable, value) in variables {
            if value.is_empty() {
                continue;
            }
            match variable.as_str() {
                // These names are in [`near_miss`] as well.
                RUNTIME_API => settings.place = on_lambda(&value)?,
                "HOST" => settings.host = value,
                "PORT" => {
                    let port = value.parse();
                    settings.port =
                        port.map_err(|_| wrong("PORT", &value, "a port number from 0 to 65535"))?;
                }
                "BASE_PATH" => {
                    let path = BasePath::parse(&value);
                    let path = path
                        .ok_or_else(|| wrong("BASE_PATH", &value, "a path as in a URL, such as /catalog"))?;
                    settings.base_path = Some(path);
                }
                "DATA_DIR" => settings.data_dir = value.into(),
                "STOP_GRACE_SECONDS" => settings.stop_grace = Some(stop_grace(&value)?),
                "RUST_LOG" => settings.log_filter = value,
                "LOG_FORMAT" => settings.log_format = Some(log_format(&value)?),
                "SUBSCRIPTIONS_TABLE" => settings.subscriptions_table = Some(value),
                TABLE => one = Some(value),
                table if table.strip_prefix(TABLE).is_some_and(|rest| rest.starts_with('_')) => {
                    of_types.insert(variable, value);
                }
                other => {
                    if let Some(meant) = near_miss::meant(other) {
                        return Err(Error::Unknown { variable, meant });
                    }
                }
            }
        }
        settings.tables = match (one, of_types.pop_first()) {
            (Some(_), Some((other, _))) => return Err(Error::Contradiction { first: TABLE, second: other }),
            (Some(table), None) => Some(Tables::One(table)),
            (None, Some((variable, table))) => {
                of_types.insert(variable, table);
                Some(Tables::OfTypes(of_types))
            }
            (None, None) => match settings.subscriptions_table {
                Some(table) => return Err(Error::OnlySubscriptionsTable { table }),
                None => settings.place.without_tables()?,
            },
        };
        Ok(settings)
    }

    /// How a line of the log looks.
    pub(crate) fn log_format(&self) -> LogFormat {
        self.log_format.unwrap_or(match self.place {
            Place::Process => LogFormat::Pretty,
            #[cfg(feature = "lambda")]
            Place::Lambda => LogFormat::Json,
        })
    }
}

/// The place that a runtime API is a sign of.
#[cfg(feature = "lambda")]
fn on_lambda(_: &str) -> Result<Place, Error> {
    Ok(Place::Lambda)
}

/// Not one that this program can run in.
#[cfg(not(feature = "lambda"))]
fn on_lambda(runtime_api: &str) -> Result<Place, Error> {
    Err(Error::Unsupported { setting: format!("{RUNTIME_API}={runtime_api}"), what: "the Lambda runtime" })
}

fn stop_grace(value: &str) -> Result<Duration, Error> {
    let seconds =
        value.parse::<u32>().map_err(|_| wrong("STOP_GRACE_SECONDS", value, "a number of whole seconds"))?;
    Ok(Duration::from_secs(seconds.into()))
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
        assert_eq!((default.place, default.log_format()), (Place::Process, LogFormat::Pretty));
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
            ("BASE_PATH", "catalog", r#"BASE_PATH="catalog" is not a path as in a URL, such as /catalog"#),
            ("STOP_GRACE_SECONDS", "8s", r#"STOP_GRACE_SECONDS="8s" is not a number of whole seconds"#),
            ("LOG_FORMAT", "xml", r#"LOG_FORMAT="xml" is not `json` or `pretty`"#),
        ] {
            assert_eq!(read(&[(variable, value)]), Err(message.to_owned()));
        }
    }

    #[test]
    fn what_is_nearly_a_setting_is_named_with_what_was_meant() {
        for (variable, meant) in [
            ("DYNAMODB_TABEL", "DYNAMODB_TABLE"),
            ("DYNAMODB_TABLES", "DYNAMODB_TABLE"),
            ("DYNAMO_TABLE", "DYNAMODB_TABLE"),
            ("DYNAMO_DB_TABLE", "DYNAMODB_TABLE"),
            ("DYNAMODB_TABLENAME", "DYNAMODB_TABLE"),
            ("dynamodb_table", "DYNAMODB_TABLE"),
            ("DYNAMODB_TABEL_PRODUCT", "DYNAMODB_TABLE_PRODUCT"),
            ("DYNAMODB_TABLES_GIFT_CARD", "DYNAMODB_TABLE_GIFT_CARD"),
            ("SUBSCRIPTION_TABLE", "SUBSCRIPTIONS_TABLE"),
            ("SUBSCRIPTIONS_TABLE_NAME", "SUBSCRIPTIONS_TABLE"),
            ("DATADIR", "DATA_DIR"),
            ("DATA_DIRS", "DATA_DIR"),
            ("STOP_GRACE", "STOP_GRACE_SECONDS"),
            ("STOP_GRACE_PERIOD", "STOP_GRACE_SECONDS"),
            ("STOPGRACESECONDS", "STOP_GRACE_SECONDS"),
            ("BASEPATH", "BASE_PATH"),
            ("BASE_PAHT", "BASE_PATH"),
            ("LOG_FORMT", "LOG_FORMAT"),
            ("LOGFORMAT", "LOG_FORMAT"),
            ("RUSTLOG", "RUST_LOG"),
            ("PROT", "PORT"),
            ("HSOT", "HOST"),
        ] {
            let message =
                format!("{variable} is no setting: is {meant} meant? Unset it if it is not for this service");
            assert_eq!(read(&[(variable, "x")]), Err(message));
            assert!(read(&[(variable, "")]).is_ok(), "an empty one is not set");
        }
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        for variable in [
            // Kubernetes, for its services `port`, `host`, `data-dir` and `dynamodb-tables`.
            "PORT_3000_TCP",
            "PORT_SERVICE_HOST",
            "HOST_PORT",
            "DATA_DIR_PORT_80_TCP_ADDR",
            "DYNAMODB_TABLES_SERVICE_HOST",
            "DYNAMODB_TABLES_PORT_8000_TCP",
            // Shells, containers and other programs.
            "HOSTNAME",
            "HOSTTYPE",
            "HOSTS",
            "PORTS",
            "POST",
            "SORT",
            "PORT_RANGE",
            "DATA_DIRECTORY",
            "BASE_URL",
            "STOP_SIGNAL",
            "STOP_GRACE_SERVICE_HOST",
            "DATABASE_DIR",
            "XDG_DATA_DIRS",
            "PGDATA",
            "RUST_LOG_STYLE",
            "RUST_BACKTRACE",
            "LOG_FORMATTER",
            "LOG_LEVEL",
            "MSG_FORMAT",
            "DYNAMODB_ENDPOINT",
            "DYNAMODB_LOCAL_URL",
            "DYNAMODB_PORT",
            "TABLE_NAME",
            "SUBSCRIPTIONS_TOPIC",
            "AWS_ENDPOINT_URL_DYNAMODB",
        ] {
            assert_eq!(read(&[(variable, "x")]).err(), None, "{variable}");
        }
    }

    #[test]
    #[cfg(feature = "lambda")]
    fn a_runtime_api_is_a_sign_of_lambda_where_a_table_has_to_be_set() {
        let lambda = (RUNTIME_API, "127.0.0.1:9001");
        let settings = read(&[lambda, ("DYNAMODB_TABLE", "products")]).expect("right");
        assert_eq!((settings.place, settings.log_format()), (Place::Lambda, LogFormat::Json));
        let settings = read(&[lambda, ("DYNAMODB_TABLE", "products"), ("LOG_FORMAT", "pretty")]);
        assert_eq!(settings.expect("right").log_format(), LogFormat::Pretty);
        assert_eq!(
            read(&[lambda]),
            Err("on AWS Lambda events are kept in DynamoDB: set DYNAMODB_TABLE, or DYNAMODB_TABLE_<TYPE> for each \
                 resource type"
                .to_owned())
        );
    }

    #[test]
    #[cfg(not(feature = "lambda"))]
    fn a_program_without_the_runtime_does_not_start_on_lambda() {
        assert_eq!(
            read(&[(RUNTIME_API, "127.0.0.1:9001")]),
            Err("AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001 is set, but this program was built without the Lambda runtime"
                .to_owned())
        );
    }

    #[test]
    #[cfg(feature = "dynamodb")]
    fn tables_are_one_for_all_or_one_for_each_type() {
        let tables = |variables: &[(&str, &str)]| read(variables).map(|settings| settings.tables);
        let one = tables(&[("DYNAMODB_TABLE", "products")]).expect("right").expect("DynamoDB");
        assert_eq!(one.of("product").map(String::as_str), Some("products"));

        let variables = [("DYNAMODB_TABLE_PRODUCT", "p"), ("DYNAMODB_TABLE_GIFT_CARD_2", "g")];
        let each = tables(&variables).expect("right").expect("DynamoDB");
        assert_eq!(each.of("product").map(String::as_str), Some("p"));
        assert_eq!(each.of("gift-card.2").map(String::as_str), Some("g"));
        assert_eq!(each.of("order"), None);

        assert_eq!(
            tables(&[("SUBSCRIPTIONS_TABLE", "s")]),
            Err("SUBSCRIPTIONS_TABLE=s is set, but no table for events: set DYNAMODB_TABLE or DYNAMODB_TABLE_<TYPE> too"
                .to_owned())
        );
        assert_eq!(
            tables(&[("DYNAMODB_TABLE", "products"), variables[0]]),
            Err("DYNAMODB_TABLE and DYNAMODB_TABLE_PRODUCT are both set: set one or the other".to_owned())
        );
    }
}
