//! [`TraceParent`]: the trace that a commit belongs to, carried along without being passed along.

use std::{cell::Cell, fmt, future::poll_fn, pin::pin, str::FromStr};

use uuid::Uuid;

use crate::Timestamp;

thread_local! {
    static CURRENT: Cell<Option<TraceParent>> = const { Cell::new(None) };
}

/// A [W3C `traceparent`](https://www.w3.org/TR/trace-context/#traceparent-header): which trace something is part of,
/// and under which span.
///
/// Whoever takes a request in runs it inside [`scope`](Self::scope); every commit made in there carries the trace,
/// however deep in the user's code. Whoever delivers the event later continues it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

impl TraceParent {
    /// The root of a new, sampled trace that begins at `at`.
    ///
    /// The first eight hex digits of its id are the epoch seconds, which is what makes it a valid
    /// [X-Ray trace id](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids)
    /// too.
    #[must_use]
    pub fn new_root(at: Timestamp) -> Self {
        let seconds = u128::from(at.as_unix_millis() / 1000) & 0xffff_ffff;
        let random = Uuid::new_v4().as_u128() & (u128::MAX >> 32);
        Self { trace_id: seconds << 96 | random, parent_id: fastrand::u64(1..), flags: 1 }
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { parent_id: fastrand::u64(1..), ..self }
    }

    /// The trace's id: 32 lower-case hex digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The trace that the running task is part of, if any.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }

    /// Runs a future as part of this trace. What it spawns on its own is not.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(move |context| {
            let _entered = Entered(CURRENT.replace(Some(self)));
            future.as_mut().poll(context)
        })
        .await
    }
}

/// Puts back on drop, also in a panic, what was current before.
struct Entered(Option<TraceParent>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

impl FromStr for TraceParent {
    type Err = ParseTraceParentError;

    /// Reads any version's `traceparent` as far as version 00 defines it, as the specification asks.
    fn from_str(text: &str) -> Result<Self, ParseTraceParentError> {
        let (fields, surplus) = text.as_bytes().split_first_chunk::<LENGTH>().ok_or(ParseTraceParentError)?;
        let version = hex(&fields[..2])?;
        let trace_id = u128::from(hex(&fields[3..19])?) << 64 | u128::from(hex(&fields[19..35])?);
        let parent_id = hex(&fields[36..52])?;
        let flags = hex(&fields[53..])?;
        let is_divided = [2, 35, 52].iter().all(|&divider| fields[divider] == b'-');
        let is_complete = surplus.is_empty() || (version > 0 && surplus[0] == b'-');
        if !is_divided || !is_complete || version == 0xff || trace_id == 0 || parent_id == 0 {
            return Err(ParseTraceParentError);
        }
        // Two digits are a byte.
        Ok(Self { trace_id, parent_id, flags: flags as u8 })
    }
}

/// The length of version 00, and of that part of any version.
const LENGTH: usize = 55;

/// Up to 16 lower-case digits. Every commit that is read passes here: no branches, one check at the end.
fn hex(digits: &[u8]) -> Result<u64, ParseTraceParentError> {
    let (mut value, mut seen) = (0, 0);
    for &digit in digits {
        let digit = DIGITS[usize::from(digit)];
        seen |= digit;
        value = value << 4 | u64::from(digit);
    }
    if seen < 16 { Ok(value) } else { Err(ParseTraceParentError) }
}

/// The value of each byte that is a lower-case hex digit, and 16 for all others.
const DIGITS: [u8; 256] = {
    let mut values = [16; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

/// The text is no W3C `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct ParseTraceParentError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_specification_allows_and_nothing_else() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(text.parse::<TraceParent>().expect("valid").to_string(), text);
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes"
            .parse::<TraceParent>()
            .expect("later");
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01what",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            wrong.parse::<TraceParent>().expect_err(wrong);
        }
    }

    #[tokio::test]
    async fn is_current_inside_its_scope_only_and_on_every_poll() {
        let trace = TraceParent::new_root(Timestamp::from_unix_millis(1_700_000_000_000));
        assert!(trace.trace_id().starts_with("6553f100"));
        trace
            .scope(async {
                assert_eq!(TraceParent::current(), Some(trace));
                tokio::task::yield_now().await;
                trace.child().scope(async { assert_ne!(TraceParent::current(), Some(trace)) }).await;
                assert_eq!(TraceParent::current(), Some(trace));
            })
            .await;
        assert_eq!(TraceParent::current(), None);
    }
}
