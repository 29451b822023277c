//! Whether the member can do its work, as load balancers and operators ask it.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// How long a failure that may mend itself counts.
const LASTING: Duration = Duration::from_secs(10);

/// The failures seen lately.
#[derive(Default)]
pub struct Health(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Failed attempts to write the control state, when last looked.
    control_failures: u64,
    /// When they last grew.
    control_failed: Option<Instant>,
    /// The last failure of the log.
    log: Option<LogFailure>,
}

struct LogFailure {
    at: Instant,
    text: String,
    /// It goes away by itself.
    mends: bool,
}

impl Health {
    /// Notes the number of failed attempts to write the control state.
    pub fn look(&self, control_failures: u64) {
        let mut seen = self.0.lock();
        if control_failures > seen.control_failures {
            seen.control_failures = control_failures;
            seen.control_failed = Some(Instant::now());
        }
    }

    /// Notes that the log did not take a write.
    pub fn log_failed(&self, error: &store::Error) {
        let failure = LogFailure { at: Instant::now(), text: error.to_string(), mends: error.is_retriable() };
        self.0.lock().log = Some(failure);
    }

    /// Why the member cannot do its work; empty when it can.
    pub fn reasons(&self) -> Vec<String> {
        let seen = self.0.lock();
        let mut reasons = Vec::new();
        if seen.control_failed.is_some_and(|at| at.elapsed() < LASTING) {
            reasons
                .push("the control state cannot be written: see the server's log, check the disk".to_owned());
        }
        if let Some(failure) = &seen.log
            && (!failure.mends || failure.at.elapsed() < LASTING)
        {
            reasons.push(format!("the log does not take writes: {}", failure.text));
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_reasons() {
        let health = Health::default();
        health.look(0);
        assert!(health.reasons().is_empty());
        health.look(1);
        health.log_failed(&store::Error::Closed);
        let reasons = health.reasons();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
    }
}
