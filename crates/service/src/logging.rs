//! Where the log goes: lines on standard output, one event each.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    Error,
    settings::{LogFormat, Settings, wrong},
};

/// Starts logging. A subscriber that the program has installed already stays.
pub(crate) fn start(settings: &Settings) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|_| wrong("RUST_LOG", &settings.log_filter, "a filter such as `info,hyper=debug`"))?;
    let registry = tracing_subscriber::registry().with(filter);
    // Colours are for people, and for those of them who have not asked for none (https://no-color.org).
    let is_coloured =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt::layer().with_target(false).with_ansi(is_coloured);
    // An error here means that there is a subscriber already, which is what the program wants.
    let _ = match settings.log_format() {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Pretty => registry.with(lines.compact()).try_init(),
    };
    Ok(())
}
