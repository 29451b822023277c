//! The wall clock, as entries carry it: it never stands still and never goes back.

use model::Time;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives each caller a time of its own.
#[derive(Debug, Default)]
pub struct Clock {
    last: AtomicI64,
}

impl Clock {
    /// The time now, or just after the last one given.
    pub fn now(&self) -> Time {
        let wall = wall();
        let next = |last: Time| Some(wall.max(last.saturating_add(1)));
        let last = self.last.fetch_update(Relaxed, Relaxed, next).unwrap_or(wall);
        wall.max(last.saturating_add(1))
    }

    /// Never gives `time` or anything before it again: what the log already holds.
    pub fn after(&self, time: Time) {
        self.last.fetch_max(time, Relaxed);
    }
}

/// Nanoseconds since the Unix epoch.
pub fn wall() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_only_grow() {
        let clock = Clock::default();
        let far = wall() + 3_600_000_000_000;
        clock.after(far);
        assert_eq!(clock.now(), far + 1);
        assert_eq!(clock.now(), far + 2);
    }
}
