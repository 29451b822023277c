//! The idempotency keys that were received lately, to tell a repeat from something new.

use std::collections::{HashSet, VecDeque};

/// Keys that are remembered; the oldest are forgotten.
const KEYS_MAX: usize = 10_000;

/// The last keys.
#[derive(Default)]
pub struct Seen {
    keys: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Notes a key; false when it was there.
    pub fn is_new(&mut self, key: &str) -> bool {
        if !self.keys.insert(key.to_owned()) {
            return false;
        }
        self.order.push_back(key.to_owned());
        if self.order.len() > KEYS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once_and_the_oldest_is_forgotten() {
        let mut seen = Seen::default();
        assert!(seen.is_new("first") && !seen.is_new("first"));
        assert!((0..KEYS_MAX).all(|number| seen.is_new(&number.to_string())));
        assert_eq!((seen.keys.len(), seen.order.len()), (KEYS_MAX, KEYS_MAX));
        assert!(seen.is_new("first"));
    }
}
