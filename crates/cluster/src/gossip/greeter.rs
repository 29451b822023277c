//! Whom to greet: peers of whom only a name is known, and members that have gone, in case they are
//! back. Foca alone would never find the first, nor come out of being all alone.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// A member that has been down for less than this is greeted each time, in milliseconds.
const RECENT_MS: i64 = 60_000;
/// One that has been down for longer is greeted each so many times.
const SELDOM: u64 = 5;
/// How many addresses are remembered.
const ANSWERED_MAX: usize = 4096;

/// Remembers who has answered.
pub(super) struct Greeter {
    again: Duration,
    answered: HashMap<SocketAddr, Instant>,
    rounds: u64,
}

impl Greeter {
    /// Those who have answered are greeted `again` after that time.
    pub fn new(again: Duration) -> Self {
        Self { again, answered: HashMap::new(), rounds: 0 }
    }

    /// A new round of greetings begins.
    pub fn round(&mut self, now: Instant) {
        self.rounds = self.rounds.wrapping_add(1);
        let again = self.again;
        self.answered.retain(|_, at| now.saturating_duration_since(*at) < again);
    }

    /// Somebody lives at this address, maybe this very member.
    pub fn answered(&mut self, at: SocketAddr, now: Instant) {
        if self.answered.len() < ANSWERED_MAX {
            self.answered.insert(at, now);
        }
    }

    /// Whether to greet whoever lives at this address of a peer.
    pub fn greets(&self, at: SocketAddr, now: Instant) -> bool {
        self.answered.get(&at).is_none_or(|last| now.saturating_duration_since(*last) >= self.again)
    }

    /// Whether to greet, in this round, a member that has been down for so long.
    pub fn greets_down(&self, down_ms: i64) -> bool {
        down_ms < RECENT_MS || self.rounds.is_multiple_of(SELDOM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_answered_is_left_alone_for_a_while() {
        let start = Instant::now();
        let again = Duration::from_secs(10);
        let mut greeter = Greeter::new(again);
        let at = "10.0.0.1:1".parse().unwrap();
        assert!(greeter.greets(at, start));
        greeter.answered(at, start);
        assert!(!greeter.greets(at, start + again / 2));
        assert!(greeter.greets(at, start + again));
        greeter.round(start + again);
        assert!(greeter.answered.is_empty());
    }

    #[test]
    fn who_has_long_been_gone_is_greeted_seldom() {
        let mut greeter = Greeter::new(Duration::from_secs(10));
        let mut greeted = 0;
        for _ in 0..10 {
            greeter.round(Instant::now());
            assert!(greeter.greets_down(0));
            greeted += u64::from(greeter.greets_down(RECENT_MS));
        }
        assert_eq!(greeted, 2);
    }
}
