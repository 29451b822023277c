//! Waiting for conditions, never for luck.

use crate::failure::{Failure, Outcome};
use std::time::{Duration, Instant};

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until there is an answer, no longer than `limit`; then it fails with the last reason.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> Outcome<T> {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(why) if begun.elapsed() > limit => {
                return Err(Failure::broken(format!("waited {limit:?} for {what}: {why}")));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
