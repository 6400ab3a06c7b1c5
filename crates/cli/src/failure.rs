//! [`Failure`]: why a command could not do what it was asked, as one line.

use std::{error::Error, fmt, io};

use aws_event_sourcing_core::{StoreError, subscription::ParkedError};

/// The line.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// With nothing behind it.
    pub(crate) fn saying(line: &str) -> Self {
        Self(line.to_owned())
    }

    /// An error and its causes, none of them twice.
    fn new(error: &dyn Error) -> Self {
        let mut line = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let cause = error.to_string();
            if !line.contains(&cause) {
                line = format!("{line}: {cause}");
            }
            source = error.source();
        }
        Self(line.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StoreError> for Failure {
    /// Without the sort of error it is: what happened says more.
    fn from(error: StoreError) -> Self {
        Self::new(error.source().unwrap_or(&error))
    }
}

impl From<ParkedError> for Failure {
    fn from(error: ParkedError) -> Self {
        match error {
            ParkedError::Store(error) => error.into(),
            error => Self::new(&error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_event_sourcing_core::StoreErrorKind;

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
    fn a_failure_is_one_line_with_each_cause_once() {
        let inner = Layer("the wire\nis cut", None);
        let middle = Layer("no answer", Some(Box::new(inner)));
        let outer = Layer("not reached: no answer", Some(Box::new(middle)));
        let failure = Failure::from(StoreError::new(StoreErrorKind::Unavailable, outer));
        assert_eq!(failure.to_string(), "not reached: no answer: the wire is cut");
    }
}
