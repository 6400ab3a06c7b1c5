//! [`Patience`]: for what DynamoDB says is not done yet, which the SDK does not try again by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The pause before the second attempt is random, up to this, and up to twice as much before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pauses between attempts, until a deadline.
pub(crate) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { until: Instant::now() + deadline, pause: FIRST_PAUSE }
    }

    /// Pauses. Gives the error back instead when there is no time left.
    pub(crate) async fn wait<E>(&mut self, error: E) -> Result<(), E> {
        let pause = self.pause.mul_f64(fastrand::f64());
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        if Instant::now() + pause > self.until {
            return Err(error);
        }
        sleep(pause).await;
        Ok(())
    }
}
