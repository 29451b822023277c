//! What the threads of the shards let the rest of the member know of each shard.

use model::Time;
use pipeline::Shard;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// One a shard.
pub struct Signs(Vec<Sign>);

struct Sign {
    /// When it wants a tick.
    due: AtomicI64,
    /// A tick is on its way.
    ringing: AtomicBool,
    groups: AtomicU64,
    expired: AtomicU64,
}

impl Signs {
    /// Of so many shards, none of which is run here yet.
    pub fn new(shards: u32) -> Signs {
        let sign = |_| Sign {
            due: AtomicI64::new(Time::MAX),
            ringing: AtomicBool::new(false),
            groups: AtomicU64::new(0),
            expired: AtomicU64::new(0),
        };
        Signs((0..shards).map(sign).collect())
    }

    /// A shard is like this now.
    pub fn set(&self, number: u32, shard: &mut Shard) {
        let sign = &self.0[number as usize];
        sign.due.store(shard.due(), Relaxed);
        sign.groups.store(shard.groups() as u64, Relaxed);
        let expired = shard.take_expired();
        if expired > 0 {
            sign.expired.fetch_add(expired, Relaxed);
        }
    }

    /// A shard is not run here any more.
    pub fn gone(&self, number: u32) {
        self.0[number as usize].due.store(Time::MAX, Relaxed);
        self.0[number as usize].groups.store(0, Relaxed);
    }

    /// The shards that want a tick now. Each is named once until [`Self::rung`].
    pub fn due(&self, now: Time) -> Vec<u32> {
        let signs = self.0.iter().enumerate();
        let due = signs.filter(|(_, sign)| sign.due.load(Relaxed) <= now);
        let due = due.filter(|(_, sign)| !sign.ringing.swap(true, Relaxed));
        due.map(|(shard, _)| shard as u32).collect()
    }

    /// A tick that a shard wanted has been run, or lost.
    pub fn rung(&self, shard: u32) {
        self.0[shard as usize].ringing.store(false, Relaxed);
    }

    /// Groups, and groups that ended because they were idle since the process started.
    pub fn groups(&self) -> (u64, u64) {
        let sum =
            |figure: fn(&Sign) -> &AtomicU64| self.0.iter().map(|sign| figure(sign).load(Relaxed)).sum();
        (sum(|sign| &sign.groups), sum(|sign| &sign.expired))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_named_once_until_its_tick_is_done() {
        let signs = Signs::new(3);
        signs.0[1].due.store(10, Relaxed);
        assert!(signs.due(9).is_empty());
        assert_eq!(signs.due(10), [1]);
        assert!(signs.due(11).is_empty());
        signs.rung(1);
        assert_eq!(signs.due(11), [1]);
    }
}
