//! What a template makes, read for this machine.

use std::{path::Path, time::Duration};

use deployment::Template;
use serde_json::Value;

use super::Launch;
use crate::{Api, Backoff, DynamoDb, Error, Function, Settings, schedule::interval};

/// Makes the tables, and gives logical id and name of each.
pub(super) async fn tables(
    template: &Template,
    stack: &str,
    dynamodb: &DynamoDb,
) -> Result<Vec<(String, String)>, Error> {
    let mut tables = Vec::new();
    for table in template.tables() {
        // CloudFormation makes such names, with a random end.
        let name = format!("{stack}-{}", table.id());
        dynamodb.ask("CreateTable", &table.create_request(&name)).await?;
        tables.push((table.id().to_owned(), name));
    }
    Ok(tables)
}

/// Makes a function, which is not called yet.
pub(super) fn function(
    template: &Template,
    function: &deployment::Function<'_>,
    launch: &Launch,
    program: &Path,
    tables: &[(String, String)],
    dynamodb: &DynamoDb,
) -> Result<Function, Error> {
    let property = |name: &str| function.property(name).map(|value| template.resolve(value));
    let name = property("FunctionName").and_then(|name| name.as_str().map(str::to_owned));
    let name = name.unwrap_or_else(|| function.id().to_owned());
    let mut builder = Function::builder(program).log(launch.log.named(&name)).name(name);
    if let Some(seconds) = property("Timeout").and_then(|seconds| seconds.as_u64()) {
        builder = builder.timeout(Duration::from_secs(seconds));
    }
    if let Some(memory) = property("MemorySize").and_then(|memory| u32::try_from(memory.as_u64()?).ok()) {
        builder = builder.memory(memory);
    }
    if let Some(most) = launch.instances {
        builder = builder.instances(most);
    }
    builder = builder.envs(dynamodb.settings());
    for (variable, value) in function.variables() {
        builder = match (function.table(variable), value) {
            (Some(table), _) => builder.env(variable, super::find(tables, &table)?),
            (None, Value::String(text)) => builder.env(variable, text),
            // Nothing, unless a parameter is set.
            (None, _) => builder,
        };
    }
    let variables = launch.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    builder.envs(variables).build()
}

/// Which function answers the API, and which API that is.
pub(super) fn api(template: &Template) -> Result<(String, Api), Error> {
    let api = |kind: &str| match kind {
        "HttpApi" => Some(Api::Http),
        "Api" => Some(Api::Rest),
        _ => None,
    };
    let found = events(template).find_map(|event| Some((event.function, api(&event.kind)?)));
    found.ok_or_else(|| unsuitable("template", "no function answers an API"))
}

/// A mapping of a template.
pub(super) struct Mapped {
    pub(super) id: String,
    pub(super) table: String,
    pub(super) function: String,
    pub(super) settings: Settings,
}

/// What follows which table.
pub(super) fn mappings(
    template: &Template,
    backoff: Backoff,
    unhandled: &Path,
) -> Result<Vec<Mapped>, Error> {
    let mapped = template.mappings().map(|mapping| {
        let id = mapping.id().to_owned();
        let table = mapping.table().ok_or_else(|| unsuitable(&id, "it does not follow a table"))?;
        let function = mapping.function().ok_or_else(|| unsuitable(&id, "it does not call a function"))?;
        let settings = Settings::of(&mapping)?;
        let keeps = mapping.property("DestinationConfig").is_some();
        let unhandled = keeps.then(|| unhandled.to_owned());
        Ok(Mapped {
            table: table.to_owned(),
            function: function.id().to_owned(),
            settings: Settings { backoff, unhandled, ..settings },
            id,
        })
    });
    mapped.collect()
}

/// A schedule of a template.
pub(super) struct Scheduled {
    pub(super) name: String,
    pub(super) function: String,
    pub(super) every: Duration,
    pub(super) input: String,
}

/// What calls a function every so often.
pub(super) fn schedules(template: &Template) -> Result<Vec<Scheduled>, Error> {
    let schedules = events(template).filter(|event| event.kind == "Schedule").map(|event| {
        let text = |name: &str| {
            let value = event.properties.get(name).and_then(Value::as_str).map(str::to_owned);
            value.ok_or_else(|| unsuitable(&event.name, &format!("it has no constant {name}")))
        };
        let (every, input) = (interval(&text("Schedule")?)?, text("Input")?);
        Ok(Scheduled { name: event.name, function: event.function, every, input })
    });
    schedules.collect()
}

/// Something that calls a function, as SAM writes it.
struct Event {
    function: String,
    name: String,
    kind: String,
    properties: Value,
}

fn events(template: &Template) -> impl Iterator<Item = Event> {
    template.functions().flat_map(|function| {
        let events = function.property("Events").and_then(Value::as_object).into_iter().flatten();
        let event = |(name, event): (&String, &Value)| Event {
            function: function.id().to_owned(),
            name: name.clone(),
            kind: event["Type"].as_str().unwrap_or_default().to_owned(),
            properties: template.resolve(&event["Properties"]),
        };
        events.map(event).collect::<Vec<_>>()
    })
}

fn unsuitable(of: &str, why: &str) -> Error {
    Error::Unsuitable { of: of.to_owned(), why: why.to_owned() }
}
