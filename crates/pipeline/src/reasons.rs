//! Why a node could not use points: by reason, with the last example.

use model::Time;
use serde::{Deserialize, Serialize};

/// Reasons that are told apart for one node.
pub const REASONS_MAX: usize = 16;

/// What the reasons beyond [`REASONS_MAX`] are counted under.
const OTHERS: &str = "other reasons";

/// Bytes of an example.
const EXAMPLE_MAX: usize = 500;

/// Points that a node could not use for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What failed.
    pub what: String,
    /// Points.
    pub points: u64,
    /// Why the last of them failed; empty when there is nothing to add.
    pub last: String,
    /// The clock of the entry that brought the last of them, nanoseconds.
    pub at: Time,
}

/// The reasons of one node, in the order in which they were first met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons(Vec<Reason>);

impl Reasons {
    /// Counts points. A message reads `what failed: why`.
    pub fn add(&mut self, message: &str, points: u64, at: Time) {
        let (what, last) = message.split_once(": ").unwrap_or((message, ""));
        self.note(Reason { what: cut(what).into(), points, last: cut(last).into(), at });
    }

    /// Adds the reasons of another instance of the node.
    pub fn merge(&mut self, other: &Reasons) {
        other.0.iter().for_each(|reason| self.note(reason.clone()));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        self.0.iter()
    }

    fn note(&mut self, reason: Reason) {
        let known = self.0.iter_mut().position(|known| known.what == reason.what);
        let at = known.unwrap_or_else(|| {
            let what = if self.0.len() < REASONS_MAX - 1 { reason.what.as_str() } else { OTHERS };
            self.0.iter().position(|known| known.what == what).unwrap_or_else(|| {
                self.0.push(Reason { what: what.into(), at: Time::MIN, ..Reason::default() });
                self.0.len() - 1
            })
        });
        let known = &mut self.0[at];
        known.points += reason.points;
        if reason.at >= known.at {
            (known.last, known.at) = (reason.last, reason.at);
        }
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=EXAMPLE_MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_counted_by_reason_with_the_last_example() {
        let mut reasons = Reasons::default();
        reasons.add("no field: \"a\" is missing", 2, 10);
        reasons.add("no time", 1, 11);
        reasons.add("no field: \"b\" is missing", 3, 12);
        let mut both = reasons.clone();
        both.merge(&reasons);
        let told: Vec<(&str, u64, &str, Time)> =
            both.iter().map(|r| (&*r.what, r.points, &*r.last, r.at)).collect();
        assert_eq!(told, [("no field", 10, "\"b\" is missing", 12), ("no time", 2, "", 11)]);
    }

    #[test]
    fn reasons_without_end_take_no_memory_without_end() {
        let mut reasons = Reasons::default();
        for n in 0..1000 {
            reasons.add(&format!("reason {n} {}: é{}", "x".repeat(1000), "é".repeat(1000)), 1, n);
        }
        assert_eq!(reasons.iter().count(), REASONS_MAX);
        assert_eq!(reasons.iter().map(|reason| reason.points).sum::<u64>(), 1000);
        assert!(reasons.iter().all(|reason| reason.what.len() + reason.last.len() <= 2 * EXAMPLE_MAX));
    }
}
