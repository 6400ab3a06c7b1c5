//! Where the log goes: lines on standard output, one event each.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal as _},
    panic::{self, PanicHookInfo},
};

use tracing::{Subscriber, field::display};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{
    Error,
    settings::{LogFormat, Settings, wrong},
};

/// Starts logging. A subscriber that the program has installed already stays.
pub(crate) fn start(settings: &Settings) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|_| wrong("RUST_LOG", &settings.log_filter, "a filter such as `info,hyper=debug`"))?;
    let registry = tracing_subscriber::registry().with(filter);
    // An error means that there is a subscriber already, which is what the program wants.
    match settings.log_format() {
        LogFormat::Json => {
            if registry.with(json(io::stdout)).try_init().is_ok() {
                panic::set_hook(Box::new(log_panic));
            }
        }
        LogFormat::Pretty => {
            // Colours are for people, and for those of them who have not asked for none (https://no-color.org).
            let is_coloured = io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            let lines = fmt::layer().with_target(false).with_ansi(is_coloured).compact();
            let _ = registry.with(lines).try_init();
        }
    }
    Ok(())
}

/// Lines for machines: an object with the fields of the event, and its spans from the outermost on.
fn json<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_target(false).with_ansi(false).with_writer(writer);
    lines.json().flatten_event(true).with_current_span(false)
}

/// What a panic says, as a line like all others: several lines of text are several entries where logs are collected.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let error = panic.payload_as_str().unwrap_or("without a message");
    let place = panic.location().map(display);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| display(backtrace));
    tracing::error!(error, place, backtrace, "panicked");
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written meanwhile, without the times.
    fn written(program: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::registry().with(json(move || writer.clone()));
        tracing::subscriber::with_default(lines, program);
        let bytes = written.0.lock().unwrap();
        let lines = str::from_utf8(&bytes).unwrap().lines().map(|line| {
            let (time, rest) = line.split_once(r#"Z","#).unwrap();
            assert!(time.starts_with(r#"{"timestamp":"20"#), "{line}");
            format!("{{{rest}\n")
        });
        lines.collect()
    }

    #[test]
    fn a_line_has_the_event_and_each_of_its_spans_once() {
        let lines = written(|| {
            let _invocation = tracing::error_span!("invocation", lambda_request_id = "8476a536").entered();
            tracing::info!("outside");
            let _handle = tracing::error_span!("handle", trace_id = "5759e988").entered();
            tracing::warn!(error = "two\nlines", "not handled");
        });
        assert_eq!(
            lines,
            r#"{"level":"INFO","message":"outside","spans":[{"lambda_request_id":"8476a536","name":"invocation"}]}
{"level":"WARN","message":"not handled","error":"two\nlines","spans":[{"lambda_request_id":"8476a536","name":"invocation"},{"trace_id":"5759e988","name":"handle"}]}
"#
        );
    }

    #[test]
    fn a_panic_is_one_line_that_says_where() {
        let line = line!() + 5;
        let lines = written(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(log_panic));
            let _handle = tracing::error_span!("handle", trace_id = "5759e988").entered();
            let panicked = panic::catch_unwind(|| panic!("out of {}", "paper"));
            panic::set_hook(before);
            panicked.unwrap_err();
        });
        let place = format!("{}:{line}:", file!());
        assert_eq!(lines.lines().count(), 1, "{lines}");
        for part in [r#""level":"ERROR""#, r#""error":"out of paper""#, &place, r#""trace_id":"5759e988""#] {
            assert!(lines.contains(part), "{part}: {lines}");
        }
    }
}
