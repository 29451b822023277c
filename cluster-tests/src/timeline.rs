//! What happened when: a line a step, with the seconds since the scenario began.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Prints steps as they come. Clones share the beginning.
#[derive(Clone, Debug)]
pub struct Timeline {
    begun: Instant,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Timeline {
    /// Begins now.
    pub fn begin() -> Timeline {
        Timeline { begun: Instant::now(), steps: Arc::default() }
    }

    /// A step.
    pub fn step(&self, what: &str) {
        let line = format!("  {:>7.2} s  {what}", self.begun.elapsed().as_secs_f64());
        say(&line);
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Seconds since it began.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

/// Prints a line to the standard output; whether somebody reads it does not matter.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
