//! Writes this machine's CPU and memory to the members of a cluster in turn, once a second. What no
//! member takes is kept and written later.

use crate::arguments::Arguments;
use crate::http::Failure;
use crate::members::Members;
use crate::{burst, sample, say, stop};
use std::collections::VecDeque;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Samples that may wait for a member; the oldest are given up.
const WAITING_MAX: usize = 600;

/// Samples that nobody has taken yet.
struct Waiting {
    /// Tells the writes of this process from those of another.
    name: String,
    number: u64,
    samples: VecDeque<(String, String)>,
}

/// Runs until a signal comes.
pub fn feed(flags: &Arguments) -> Result<(), String> {
    flags.only(&["url", "host"])?;
    stop::on_signals();
    let mut members = Members::of(flags.values("url"))?;
    let host = flags.value("host").map_or_else(sample::host, |host| Ok(sample::tag(host)))?;
    let mut waiting = Waiting { name: format!("{host}-{}", now()), number: 0, samples: VecDeque::new() };
    let mut cpu = sample::Cpu::default();
    let mut burst = burst::Burst::new();
    say(&format!("Writing CPU and memory of {host} once a second, to each member in turn."));
    while !stop::asked() {
        let begun = Instant::now();
        burst.step();
        if let Some(sample) = sample::look(&mut cpu) {
            waiting.push(sample.lines(&host, Some(now())));
        }
        waiting.write(&mut members);
        stop::pause_until(begun + sample::EVERY);
    }
    burst.stop();
    Ok(())
}

impl Waiting {
    fn push(&mut self, lines: String) {
        if self.samples.len() == WAITING_MAX {
            self.samples.pop_front();
        }
        self.number += 1;
        self.samples.push_back((format!("{}-{}", self.name, self.number), lines));
    }

    /// Writes the oldest first. The key tells the next member that a write is the one whose answer
    /// got lost.
    fn write(&mut self, members: &mut Members) {
        while let Some((key, lines)) = self.samples.front() {
            match members.request("POST", sample::WRITE, &[("Idempotency-Key", key)], lines) {
                Ok(_) => {}
                Err(Failure::Refused(status, why)) if !Failure::Refused(status, String::new()).may_pass() => {
                    say(&format!("a sample was refused and is given up: {status} {why}"));
                }
                Err(_) => return,
            }
            self.samples.pop_front();
        }
    }
}

/// Nanoseconds since 1970.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
