//! [`Launch`]: how an example is to be run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use deployment::Template;
use toolshed::Refused;

use super::{Deployment, Prepared, parts};
use crate::{Backoff, DynamoDb, Error, Gateway, Log, Mapping, Schedule};

/// Which program the functions are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Program {
    /// As it is deployed: built by SAM, which takes some minutes the first time.
    #[default]
    Deployed,
    /// Built by cargo without optimisations.
    Debug,
    /// One that is there already.
    At(PathBuf),
}

/// How an example is to be run.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Launch {
    pub(super) example: String,
    pub(super) program: Program,
    port: u16,
    pub(super) dynamodb: Option<DynamoDb>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) instances: Option<usize>,
    every: Option<Duration>,
    pub(super) backoff: Backoff,
    pub(super) log: Log,
}

impl Launch {
    pub(super) fn new(example: String) -> Self {
        Self {
            example,
            program: Program::default(),
            port: 0,
            dynamodb: None,
            variables: Vec::new(),
            instances: None,
            every: None,
            backoff: Backoff::default(),
            log: Log::default(),
        }
    }

    /// Which program the functions are; [as it is deployed](Program::Deployed) otherwise.
    pub fn program(mut self, program: Program) -> Self {
        self.program = program;
        self
    }

    /// The port of the API; any that is free otherwise.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where the tables are. Otherwise in the server [that tests share](dynamodb_local::url), for a key of their own.
    pub fn dynamodb(mut self, dynamodb: DynamoDb) -> Self {
        self.dynamodb = Some(dynamodb);
        self
    }

    /// A variable of the functions' environment, over those of the template.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// How many processes of each function there are at once, at most.
    pub fn instances(mut self, most: usize) -> Self {
        self.instances = Some(most);
        self
    }

    /// How often schedules call, whatever the template says.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = Some(interval);
        self
    }

    /// How long a batch of a mapping waits that has failed.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Who is shown what the functions write, and what has failed: each line begins with whose it is.
    pub fn log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// Builds the program, makes the tables, and starts everything.
    ///
    /// # Errors
    ///
    /// When something cannot be built, made or started, or the template has something that is not understood.
    pub async fn start(self) -> Result<Deployment, Error> {
        let (port, every, backoff, log) = (self.port, self.every, self.backoff, self.log.clone());
        let prepared = self.prepare().await?;
        let template = &prepared.template;
        let unhandled = tempfile::tempdir().map_err(Refused::to("make a folder"))?;
        let roles = prepared.roles().await?;
        let functions = roles.iter().map(|(id, role)| {
            let function = prepared.function_of(id, &role.dynamodb())?;
            Ok((id.clone(), Arc::new(function)))
        });
        let functions = functions.collect::<Result<Vec<_>, Error>>()?;
        let call = |id: &str| super::find(&functions, id).map(Arc::clone);

        let (id, api) = parts::api(template)?;
        let gateway = Gateway::start(call(&id)?, api, port).await?;
        let mut mappings = Vec::new();
        for mapping in parts::mappings(template, backoff, unhandled.path())? {
            let table = super::find(&prepared.tables, &mapping.table)?;
            let (id, log) = (mapping.id, log.named(&mapping.table));
            let function = call(&mapping.function)?;
            mappings.push((
                id.clone(),
                Mapping::start(&id, table, &prepared.dynamodb, function, mapping.settings, log).await?,
            ));
        }
        let schedules = parts::schedules(template)?.into_iter().map(|schedule| {
            let every = every.unwrap_or(schedule.every);
            let log = log.named(&schedule.name);
            Ok(Schedule::start(call(&schedule.function)?, every, schedule.input, log))
        });
        let schedules = schedules.collect::<Result<_, Error>>()?;
        let Prepared { tables, dynamodb, .. } = prepared;
        Ok(Deployment { gateway, mappings, schedules, functions, roles, tables, dynamodb, unhandled })
    }

    /// Builds the program and makes the tables, and leaves it at that.
    ///
    /// # Errors
    ///
    /// When something cannot be built or made, or the template has something that is not understood.
    pub async fn prepare(self) -> Result<Prepared, Error> {
        let template = Template::read(deployment::example(&self.example).join("template.yaml"))?;
        let dynamodb = self.dynamodb.clone().unwrap_or_else(|| {
            let key = format!("local{}x{}", std::process::id(), fastrand::u32(..));
            DynamoDb::new(dynamodb_local::url(), key)
        });
        let program = self.build()?;
        let tables = parts::tables(&template, &self.example, &dynamodb).await?;
        Ok(Prepared { template, launch: self, program, tables, dynamodb })
    }

    /// The program.
    fn build(&self) -> Result<PathBuf, Error> {
        match &self.program {
            Program::At(path) => Ok(path.clone()),
            // Both functions of an example are the same program.
            Program::Deployed => Ok(deployment::build(&self.example)?.bootstrap("ApiFunction")?),
            Program::Debug => {
                let workspace =
                    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
                let mut command = toolshed::cargo();
                command.args(["build", "--locked", "--package", &self.example]).current_dir(workspace);
                let status = command.status().map_err(Refused::to("run cargo"))?;
                if !status.success() {
                    return Err(Error::NotBuilt(self.example.clone()));
                }
                Ok(toolshed::target().join("debug").join(&self.example))
            }
        }
    }
}
