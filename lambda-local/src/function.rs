//! [`Function`]: a program that is called as Lambda calls it.

mod answer;
mod builder;
mod emulator;
mod port;
mod processes;
mod runtime_api;
mod trace;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::Bytes;
use tokio::sync::Semaphore;
use toolshed::Refused;

pub(crate) use self::trace::{root as trace_root, within as trace_within};
pub use self::{answer::Failure, builder::Builder};
use self::{builder::Settings, emulator::Emulator};
use crate::{Error, Log};

/// What Lambda takes in one call and gives in one answer, at most: 6 MB, and a little for what is around it. The emulator
/// would cut off the rest and say nothing.
pub(crate) const LARGEST: usize = 6 * 1024 * 1024 + 100;

/// A program under AWS's runtime interface emulator, which calls it as Lambda does, within a trace: as many processes of it as there are
/// calls at once, up to a bound; one call at a time for each; started by the first call that needs it, killed by a
/// call that takes too long, and started again after that. Dropping it [stops](Self::stop) it.
#[derive(Debug)]
pub struct Function {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// As many as processes are allowed. Closed when the function is stopped.
    turns: Semaphore,
    instances: Mutex<Instances>,
}

#[derive(Debug, Default)]
struct Instances {
    /// Those that wait for a call.
    idle: Vec<Arc<Emulator>>,
    /// All that may be alive.
    all: Vec<Weak<Emulator>>,
    stopped: bool,
}

impl Function {
    /// A function of this program, with Lambda's defaults for whatever is not set.
    pub fn builder(program: impl Into<std::path::PathBuf>) -> Builder {
        Builder::new(program.into())
    }

    fn new(settings: Settings) -> Self {
        let turns = Semaphore::new(settings.instances);
        Self { shared: Arc::new(Shared { settings, turns, instances: Mutex::default() }) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// What its processes have written to standard output and standard error, and what the emulator says of each call.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.shared.settings.log
    }

    /// How many processes of it there are.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.shared.instances().all.iter().filter(|instance| instance.strong_count() > 0).count()
    }

    /// The ids of its processes, without those of the emulator. Linux only.
    ///
    /// # Errors
    ///
    /// When the system does not say which processes there are.
    pub fn processes(&self) -> Result<Vec<u32>, Error> {
        let processes = processes::of(&self.shared.settings.program());
        Ok(processes.map_err(Refused::to("look for processes"))?)
    }

    /// Has everything ready for a process of it that the process does not bring itself: a call starts one at once then,
    /// instead of the emulator first.
    ///
    /// # Errors
    ///
    /// When the emulator does not run.
    pub async fn stand_by(&self) -> Result<(), Error> {
        let instance = self.shared.start().await?;
        self.shared.keep(instance);
        Ok(())
    }

    /// Calls it, and waits for its answer. Where Lambda would refuse a call because there are too many at once, this waits.
    ///
    /// A call is carried out to its end even when nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// When it has answered with an error, has ended, or was not done in time; and when it could not be called at all.
    pub async fn invoke(&self, payload: impl Into<Bytes>) -> Result<Bytes, Failure> {
        self.invoke_traced(payload, &trace::new()).await
    }

    /// Calls it within a trace: the value of a header `X-Amzn-Trace-Id`, with a parent. The program gets it with the call, as on
    /// AWS.
    ///
    /// # Errors
    ///
    /// As [`invoke`](Self::invoke).
    pub async fn invoke_traced(&self, payload: impl Into<Bytes>, trace: &str) -> Result<Bytes, Failure> {
        let payload = payload.into();
        if payload.len() > LARGEST {
            return Err(Failure::TooLarge(payload.len()));
        }
        // A second call to an emulator kills it: nothing may cut a call short.
        let call = tokio::spawn(Arc::clone(&self.shared).call(payload, trace.to_owned()));
        call.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Kills its processes, whatever they are doing. Calls fail from now on.
    pub fn stop(&self) {
        self.shared.turns.close();
        let all = {
            let mut instances = self.shared.instances();
            instances.stopped = true;
            instances.idle.clear();
            std::mem::take(&mut instances.all)
        };
        for instance in all.iter().filter_map(Weak::upgrade) {
            instance.stop();
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn instances(&self) -> std::sync::MutexGuard<'_, Instances> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(self: Arc<Self>, payload: Bytes, trace: String) -> Result<Bytes, Failure> {
        let _turn = self.turns.acquire().await.map_err(|_| stopped())?;
        // The one that was busy last is most likely to have in memory what is asked for, and Lambda chooses it as well.
        let idle = self.instances().idle.pop();
        let instance = match idle {
            Some(instance) => instance,
            None => self.start().await?,
        };
        let answer = instance.invoke(payload, &trace).await;
        if !matches!(answer, Err(Failure::NotCalled(_))) {
            self.keep(instance);
        }
        answer
    }

    /// For the next call.
    fn keep(&self, instance: Arc<Emulator>) {
        let mut instances = self.instances();
        if !instances.stopped {
            instances.idle.push(instance);
        }
    }

    async fn start(&self) -> Result<Arc<Emulator>, Error> {
        let instance = Arc::new(Emulator::spawn(&self.settings).await?);
        {
            let mut instances = self.instances();
            if instances.stopped {
                return Err(Error::Emulator("was stopped".to_owned()));
            }
            instances.all.retain(|instance| instance.strong_count() > 0);
            instances.all.push(Arc::downgrade(&instance));
        }
        instance.answers().await?;
        Ok(instance)
    }
}

fn stopped() -> Failure {
    Failure::NotCalled(Error::Emulator("was stopped".to_owned()))
}
