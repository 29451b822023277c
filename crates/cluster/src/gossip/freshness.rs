//! Whether a datagram was sent just now, or is an old one that somebody sends again. Clocks are
//! compared, and clocks jump: a sender whose clock seems to be behind is asked, with a number only
//! this member knows, and what its answer shows of its clock is allowed for from then on. So a wrong
//! clock is seen, and shuts nobody out for longer than one question takes.

use crate::carrier::MemberId;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Datagrams sent longer ago are refused, in milliseconds.
const AGE_MS_MAX: i64 = 600_000;
/// How long a challenge is new; it is taken for as long again after that.
const ROTATE: Duration = Duration::from_secs(10);
/// How often one sender is asked.
const ASK: Duration = Duration::from_secs(1);
/// How many senders are remembered.
const SENDERS_MAX: usize = 1024;

/// What is known of the clocks of others.
pub(super) struct Freshness {
    challenges: [u64; 2],
    rotated: Instant,
    /// By how many milliseconds the clock of a sender is behind ours; missing means not at all.
    behind: HashMap<MemberId, i64>,
    asked: HashMap<MemberId, Instant>,
}

impl Freshness {
    pub fn new(now: Instant) -> Self {
        let challenges = [rand::random(), rand::random()];
        Self { challenges, rotated: now, behind: HashMap::new(), asked: HashMap::new() }
    }

    /// The number for a hello.
    pub fn challenge(&mut self, now: Instant) -> u64 {
        if now.saturating_duration_since(self.rotated) >= ROTATE {
            self.challenges = [rand::random(), self.challenges[0]];
            self.rotated = now;
        }
        self.challenges[0]
    }

    /// Whether what was `sent` by the sender's clock is fresh at `wall` by ours.
    pub fn is_fresh(&mut self, from: MemberId, sent: i64, wall: i64) -> bool {
        let age = wall.saturating_sub(sent);
        let behind = self.behind.get(&from).copied().unwrap_or(0);
        if age.saturating_sub(behind) > AGE_MS_MAX {
            return false;
        }
        // One of the clocks was put right: nothing is allowed for any more than needed.
        if age < behind {
            self.allow(from, age);
        }
        true
    }

    /// Whether an answer is to a question of ours. If so, it is fresh, and shows the sender's clock.
    pub fn is_answer(&mut self, from: MemberId, sent: i64, wall: i64, challenge: u64) -> bool {
        if !self.challenges.contains(&challenge) {
            return false;
        }
        self.allow(from, wall.saturating_sub(sent));
        true
    }

    /// Whether to ask a sender that seems to be behind.
    pub fn may_ask(&mut self, id: MemberId, now: Instant) -> bool {
        if self.asked.len() >= SENDERS_MAX {
            self.asked.retain(|_, asked| now.saturating_duration_since(*asked) < ASK);
        }
        let recent = self.asked.get(&id).is_some_and(|asked| now.saturating_duration_since(*asked) < ASK);
        if recent || self.asked.len() >= SENDERS_MAX {
            return false;
        }
        self.asked.insert(id, now);
        true
    }

    fn allow(&mut self, from: MemberId, behind: i64) {
        if behind <= 0 {
            self.behind.remove(&from);
        } else if self.behind.len() < SENDERS_MAX || self.behind.contains_key(&from) {
            self.behind.insert(from, behind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const WALL: i64 = 1_700_000_000_000;

    #[test]
    fn old_is_refused_and_the_future_is_not() {
        let mut freshness = Freshness::new(Instant::now());
        assert!(freshness.is_fresh(1, WALL, WALL));
        assert!(freshness.is_fresh(1, WALL - AGE_MS_MAX, WALL));
        assert!(!freshness.is_fresh(1, WALL - AGE_MS_MAX - 1, WALL));
        assert!(freshness.is_fresh(1, WALL + HOUR, WALL));
        assert!(!freshness.is_fresh(1, i64::MIN, i64::MAX));
    }

    #[test]
    fn a_clock_that_jumps_back_is_heard_again_after_one_answer() {
        let now = Instant::now();
        let mut freshness = Freshness::new(now);
        let challenge = freshness.challenge(now);
        assert!(!freshness.is_fresh(1, WALL - HOUR, WALL));
        assert!(!freshness.is_answer(1, WALL - HOUR, WALL, challenge.wrapping_add(1)));
        assert!(freshness.is_answer(1, WALL - HOUR, WALL, challenge));
        assert!(freshness.is_fresh(1, WALL - HOUR, WALL));
        assert!(!freshness.is_fresh(2, WALL - HOUR, WALL), "what is allowed one is not allowed another");
        assert!(!freshness.is_fresh(1, WALL - 2 * HOUR, WALL), "nor is what was sent earlier still");

        assert!(freshness.is_fresh(1, WALL, WALL), "the clock is right again");
        assert!(!freshness.is_fresh(1, WALL - HOUR, WALL), "and nothing is allowed any more");
    }

    #[test]
    fn a_challenge_is_taken_for_two_rounds() {
        let start = Instant::now();
        let mut freshness = Freshness::new(start);
        let first = freshness.challenge(start);
        let second = freshness.challenge(start + ROTATE);
        assert_ne!(first, second);
        assert!(freshness.is_answer(1, WALL, WALL, first));
        freshness.challenge(start + ROTATE * 2);
        assert!(!freshness.is_answer(1, WALL, WALL, first));
        assert!(freshness.is_answer(1, WALL, WALL, second));
    }

    #[test]
    fn a_sender_is_asked_at_a_bounded_rate() {
        let start = Instant::now();
        let mut freshness = Freshness::new(start);
        assert!(freshness.may_ask(1, start));
        assert!(!freshness.may_ask(1, start));
        assert!(freshness.may_ask(2, start));
        assert!(freshness.may_ask(1, start + ASK));
    }
}
