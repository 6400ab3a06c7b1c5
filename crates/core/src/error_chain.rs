//! [`ErrorChain`]: an error and its causes as one line, for a log and for people.

use std::{error::Error, fmt};

/// Displays an error and the causes behind it on one line, and none of them twice. `{:#}` leaves line breaks as they are.
///
/// ```
/// # use aws_event_sourcing_core::{ErrorChain, StoreError, StoreErrorKind};
/// let error = StoreError::new(StoreErrorKind::Full, "no space left on device");
/// assert_eq!(ErrorChain::of(&error).to_string(), "the event store is full: no space left on device");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(&'a (dyn Error + 'static));

impl<'a> ErrorChain<'a> {
    /// The chain that begins with that error.
    #[must_use]
    pub fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(error)
    }
}

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |error: &dyn Error| match f.alternate() {
            true => error.to_string(),
            false => one_line(&error.to_string()),
        };
        let mut line = said(self.0);
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = said(error);
            if !line.contains(&cause) {
                line = format!("{line}: {cause}");
            }
            source = error.source();
        }
        f.write_str(&line)
    }
}

fn one_line(text: &str) -> String {
    match text.contains('\n') {
        true => text.split_whitespace().collect::<Vec<_>>().join(" "),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Self>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    #[test]
    fn an_error_is_one_line_with_each_cause_once() {
        let inner = Layer("the wire\nis cut", None);
        let middle = Layer("no answer", Some(Box::new(inner)));
        let outer = Layer("not reached: no answer", Some(Box::new(middle)));
        let chain = ErrorChain::of(&outer);
        assert_eq!(chain.to_string(), "not reached: no answer: the wire is cut");
        assert_eq!(format!("{chain:#}"), "not reached: no answer: the wire\nis cut");
    }
}
