//! Where the log goes: lines on standard output, one event each.

mod json;
mod queue;
mod sentence;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal as _},
    panic::{self, PanicHookInfo},
    thread,
    time::Duration,
};

use tracing::{Subscriber, field::display};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::Directive,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

pub(crate) use self::queue::{Log, WaitFor};
use self::{json::JsonLines, sentence::Sentence};
use crate::{
    Error,
    settings::{LogFormat, Settings, wrong},
};

/// How long it is waited for a last word.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(500);

/// Starts logging. A subscriber that the program has installed already stays.
pub(crate) fn start(settings: &Settings) -> Result<Log, Error> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|_| wrong("RUST_LOG", &settings.log_filter, "a filter such as `info,hyper=debug`"))?;
    // What is said here is of panics, and of lines that were lost: that is no choice of a filter.
    let here: Directive =
        concat!(module_path!(), "=warn").parse().expect("a module and a level are a directive");
    let registry = tracing_subscriber::registry().with(filter.add_directive(here));
    let log = Log::new();
    let begun = match settings.log_format() {
        LogFormat::Json => registry.with(JsonLines(log.clone())).try_init(),
        LogFormat::Pretty => {
            // Colours are for people, and for those of them who have not asked for none (https://no-color.org).
            let is_coloured = io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            registry.with(pretty(log.clone(), is_coloured)).try_init()
        }
    };
    // An error means that there is a subscriber already, which is what the program wants.
    if begun.is_ok() {
        log.write_to(io::stdout()).map_err(Error::Log)?;
        let hooked = log.clone();
        panic::set_hook(Box::new(move |panic| log_panic(panic, &hooked)));
    }
    Ok(log)
}

/// Lines for people: a sentence, and behind it what it is about.
fn pretty<S, W>(writer: W, is_coloured: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_target(false).with_ansi(is_coloured).with_writer(writer);
    lines.compact().fmt_fields(Sentence).log_internal_errors(false)
}

/// What a panic says, as a line like all others: several lines of text are several entries where logs are collected. And
/// whoever waits for standard error to be read would not wait in vain here.
fn log_panic(panic: &PanicHookInfo<'_>, log: &Log) {
    let error = panic.payload_as_str().unwrap_or("without a message");
    let place = panic.location().map(display);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| display(backtrace));
    tracing::error!(error, place, backtrace, "panicked");
    // It may be the last thing that the process does.
    if cfg!(panic = "abort") || thread::current().name() == Some("main") {
        log.drain(LAST_WORDS);
    }
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

    /// What is written meanwhile for people.
    fn written_for_people(program: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::registry().with(pretty(move || writer.clone(), false));
        tracing::subscriber::with_default(lines, program);
        let bytes = written.0.lock().unwrap();
        str::from_utf8(&bytes).unwrap().to_owned()
    }

    /// What is written meanwhile for machines, without the times.
    fn written(program: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::registry().with(JsonLines(move || writer.clone()));
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
    fn a_line_has_the_fields_of_the_event_and_of_its_spans() {
        let lines = written(|| {
            let _invocation = tracing::error_span!("invocation", lambda_request_id = "8476a536").entered();
            tracing::info!("outside");
            let _handle = tracing::error_span!("handle", trace_id = "5759e988").entered();
            tracing::warn!(error = "two\nlines", "not handled");
        });
        assert_eq!(
            lines,
            r#"{"level":"INFO","message":"outside","lambda_request_id":"8476a536","spans":["invocation"]}
{"level":"WARN","message":"not handled","error":"two\nlines","trace_id":"5759e988","lambda_request_id":"8476a536","spans":["invocation","handle"]}
"#
        );
    }

    #[test]
    fn the_fields_of_an_event_go_before_those_of_its_spans() {
        let lines = written(|| {
            let outer = tracing::error_span!("outer", id = "o", table = tracing::field::Empty).entered();
            let _inner = tracing::error_span!("inner", id = "i", number = 7).entered();
            outer.record("table", "products");
            tracing::info!(id = "e", "said");
            tracing::info!(parent: outer.id(), ratio = f64::NAN, is_done = true, left = -1, "said");
        });
        assert_eq!(
            lines,
            r#"{"level":"INFO","message":"said","id":"e","number":7,"table":"products","spans":["outer","inner"]}
{"level":"INFO","message":"said","ratio":"NaN","is_done":true,"left":-1,"id":"o","table":"products","spans":["outer"]}
"#
        );
    }

    #[test]
    fn any_text_is_read_back_as_it_was_from_a_line_of_json() {
        let text: String = (0..0x250).filter_map(char::from_u32).chain("🦀\"\\".chars()).collect();
        let lines = written(|| tracing::info!(text, shown = %text, "{text}"));
        assert_eq!(lines.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
        for member in ["message", "text", "shown"] {
            assert_eq!(line[member], *text, "{member}");
        }
    }

    #[test]
    fn a_line_for_people_is_a_sentence_and_what_it_is_said_of() {
        let lines = written_for_people(|| {
            let _handle = tracing::error_span!("handle", subscription = "reorders").entered();
            tracing::info!(attempt = 1, error = "no paper,\nyet", "not handled");
            tracing::info!("harmless \x1b[2J");
        });
        let (first, second) = lines.split_once('\n').unwrap();
        let said = r#"not handled (attempt=1, error="no paper,\nyet")"#;
        assert!(first.contains(said) && first.contains("(subscription=reorders)"), "{first}");
        assert!(second.contains(r"harmless \u{1b}[2J") && second.lines().count() == 1, "{second}");
    }

    #[test]
    fn a_panic_is_one_line_that_says_where() {
        let line = line!() + 5;
        let lines = written(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(|panic| log_panic(panic, &Log::new())));
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
