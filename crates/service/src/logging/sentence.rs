//! [`Sentence`]: how a line for people reads: what is said, and in parentheses what it is said of.
//!
//! `committed (resource_type=product, id=f1c0, version=2)`

use std::{borrow::Cow, error::Error, fmt};

use aws_event_sourcing_core::ErrorChain;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// Writes fields so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sentence;

impl<'writer> FormatFields<'writer> for Sentence {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { writer, said: Said::Nothing, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.finish()
    }
}

/// What is written so far.
enum Said {
    Nothing,
    Message,
    /// A field, behind an open parenthesis.
    Field,
}

struct Visitor<'writer> {
    writer: Writer<'writer>,
    said: Said,
    result: fmt::Result,
}

impl Visitor<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) -> fmt::Result {
        // What macros of the crate `log` add for themselves.
        if field.name().starts_with("log.") {
            return Ok(());
        }
        let value = fmt::format(value);
        // tracing puts it before all others.
        if field.name() == "message" {
            self.said = Said::Message;
            return self.writer.write_str(&harmless(&value));
        }
        self.writer.write_str(match self.said {
            Said::Nothing => "(",
            Said::Message => " (",
            Said::Field => ", ",
        })?;
        self.said = Said::Field;
        let (dim, plain) = if self.writer.has_ansi_escapes() { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        write!(self.writer, "{dim}{}={plain}", field.name())?;
        let is_quoted = value.starts_with(['"', '[', '{']);
        match &*value {
            // Nobody reads it in one line.
            backtrace if field.name() == "backtrace" => write!(self.writer, "\n{backtrace}"),
            words if !is_quoted && words.contains([' ', ',', '(', ')']) => write!(self.writer, "{words:?}"),
            word => self.writer.write_str(&harmless(word)),
        }
    }

    fn record(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.result.is_ok() {
            self.result = self.write(field, value);
        }
    }

    fn finish(mut self) -> fmt::Result {
        self.result?;
        match self.said {
            Said::Field => self.writer.write_char(')'),
            Said::Nothing | Said::Message => Ok(()),
        }
    }
}

/// Without what would begin a line that nobody has logged, or command a terminal.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let escaped = text.chars().map(|char| match char.is_control() {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    });
    escaped.collect::<String>().into()
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, format_args!("{}", ErrorChain::of(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, format_args!("{value:?}"));
    }
}
