//! [`JsonLines`]: lines for machines. Each is one object: when, how bad, what, the fields of the event, those of its spans,
//! and the names of these from the outermost on.
//!
//! All fields are members of that one object, so that a filter finds them wherever a line comes from. Where two have one name,
//! the event's goes before its spans', and an inner span's before an outer one's.

use std::{
    cell::RefCell,
    error::Error,
    fmt::{self, Write as _},
    io::Write as _,
};

use aws_event_sourcing_core::{Clock as _, ErrorChain, SystemClock};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

/// Writes events so.
#[derive(Debug)]
pub(super) struct JsonLines<W>(pub(super) W);

/// The fields of a span, each as `"name":value`.
struct SpanFields(Vec<(&'static str, String)>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = SpanFields(Vec::with_capacity(attributes.values().len()));
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        thread_local! {
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        // What is displayed may log something itself.
        LINE.with(|kept| {
            let mut line = kept.take();
            line.clear();
            write_line(&mut line, event, &context);
            let mut writer = self.0.make_writer_for(event.metadata());
            // Nobody is left to hear of it.
            let _ = writer.write_all(line.as_bytes());
            kept.replace(line);
        });
    }
}

fn write_line<S>(line: &mut String, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut names = Vec::new();
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        r#"{{"timestamp":"{}","level":"{}""#,
        SystemClock.now(),
        event.metadata().level().as_str()
    );
    event.record(&mut EventFields { line, names: &mut names });
    if let Some(scope) = context.event_scope(event) {
        let mut spans = String::new();
        for span in scope {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                for (name, member) in fields {
                    if !names.contains(name) {
                        names.push(name);
                        line.push(',');
                        line.push_str(member);
                    }
                }
            }
            let separator = if spans.is_empty() { "" } else { "," };
            spans = format!("\"{}\"{separator}{spans}", span.name());
        }
        let _ = write!(line, r#","spans":[{spans}]"#);
    }
    line.push_str("}\n");
}

/// The fields of an event, on their way into its line.
struct EventFields<'a> {
    line: &'a mut String,
    names: &'a mut Vec<&'static str>,
}

/// What takes the members of an object, whatever the types of their values.
trait Members {
    fn member(&mut self, name: &'static str, write: impl FnOnce(&mut String));
}

impl Members for EventFields<'_> {
    fn member(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        self.names.push(name);
        self.line.push(',');
        write_member(self.line, name, write);
    }
}

impl Members for SpanFields {
    fn member(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        let mut member = String::new();
        write_member(&mut member, name, write);
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = member,
            None => self.0.push((name, member)),
        }
    }
}

fn write_member(line: &mut String, name: &str, write: impl FnOnce(&mut String)) {
    write_text(line, format_args!("{name}"));
    line.push(':');
    write(line);
}

/// These two are all that is recorded into.
macro_rules! record_as_members {
    ($($fields:ty),*) => {$(
        impl Visit for $fields {
            fn record_bool(&mut self, field: &Field, value: bool) {
                self.member(field.name(), |line| write_plain(line, value));
            }

            fn record_i64(&mut self, field: &Field, value: i64) {
                self.member(field.name(), |line| write_plain(line, value));
            }

            fn record_u64(&mut self, field: &Field, value: u64) {
                self.member(field.name(), |line| write_plain(line, value));
            }

            fn record_f64(&mut self, field: &Field, value: f64) {
                self.member(field.name(), |line| match value.is_finite() {
                    true => write_plain(line, value),
                    false => write_text(line, format_args!("{value}")),
                });
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                self.member(field.name(), |line| write_text(line, format_args!("{value}")));
            }

            fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
                self.member(field.name(), |line| write_text(line, format_args!("{}", ErrorChain::of(value))));
            }

            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.member(field.name(), |line| write_text(line, format_args!("{value:?}")));
            }
        }
    )*};
}

record_as_members!(EventFields<'_>, SpanFields);

fn write_plain(line: &mut String, value: impl fmt::Display) {
    let _ = write!(line, "{value}");
}

fn write_text(line: &mut String, text: fmt::Arguments<'_>) {
    line.push('"');
    // An error is that of a type that cannot display itself. What it has said so far is there.
    let _ = Escaped(line).write_fmt(text);
    line.push('"');
}

/// Text inside of a JSON string.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        // All of them are of one byte, which is in no other character.
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        while let Some(at) = rest.as_bytes().iter().position(is_special) {
            let (plain, special) = rest.split_at(at);
            self.0.push_str(plain);
            match special.as_bytes()[0] {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                b'\r' => self.0.push_str("\\r"),
                b'\t' => self.0.push_str("\\t"),
                other => write!(self.0, "\\u{other:04x}")?,
            }
            rest = &special[1..];
        }
        self.0.push_str(rest);
        Ok(())
    }
}
