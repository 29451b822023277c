//! How long groups have been idle, for those that are to live only so long after their last point.

use model::Time;
use std::hash::BuildHasher;

/// How long groups live unless a script says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lifetimes {
    /// Nanoseconds without a point after which a group is over; 0 is never.
    pub ttl: i64,
    /// The longest idle groups may have to go for others ([`crate::Shard::oldest`]), so it must be known
    /// of all which these are.
    pub ranked: bool,
}

impl Lifetimes {
    /// What must be remembered of groups for which a script says `own`.
    pub(crate) fn idle(self, own: Option<i64>) -> Option<Idle> {
        let ttl = own.unwrap_or(self.ttl);
        (ttl > 0 || self.ranked).then(|| Idle { step: (ttl / STEPS).max(STEP_MIN), ttl, ..Idle::default() })
    }
}

/// When each group was last seen. The clock of it is coarse: a group is not written down anew with each
/// of its points.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    /// Nanoseconds after which a group is over; 0 is never.
    pub ttl: i64,
    /// Nanoseconds of one step.
    step: i64,
    /// The step at which each group was last seen.
    seen: Vec<u32>,
    /// The step of the entry that is being run.
    now: u32,
    /// Hash of each chunk as the checkpoint has it.
    saved: Vec<u64>,
}

/// Groups in one chunk of a checkpoint that says when they were last seen.
const CHUNK: usize = 4096;

/// A group lives at most this part of its time-to-live longer.
const STEPS: i64 = 16;

/// The shortest step.
const STEP_MIN: i64 = 1_000_000_000;

/// How often groups are looked through: the longest and the shortest time.
const SWEEP: (i64, i64) = (1_000_000_000, 60_000_000_000);

impl Idle {
    /// How often to look for groups that are over; `None`: never.
    pub fn sweep_every(&self) -> Option<i64> {
        (self.ttl > 0).then(|| (self.ttl / STEPS).clamp(SWEEP.0, SWEEP.1))
    }

    /// The clock of the entry that is run from here on.
    pub fn set_now(&mut self, now: Time) {
        self.now = self.step_of(now);
    }

    /// Points have come in these groups, all below `end`.
    pub fn touch(&mut self, groups: &[u32], end: u32) {
        self.cover(end);
        for &group in groups {
            self.seen[group as usize] = self.now;
        }
    }

    /// The groups below `end` that were not seen at `time` or after it.
    pub fn not_seen_since(&mut self, time: Time, end: u32) -> impl Iterator<Item = u32> {
        self.cover(end);
        let step = self.step_of(time);
        let all = self.seen[..end as usize].iter().enumerate();
        all.filter(move |(_, seen)| **seen < step).map(|(group, _)| group as u32)
    }

    /// The times at which groups were last seen.
    pub fn times(&self) -> impl Iterator<Item = Time> {
        self.seen.iter().map(|&step| i64::from(step) * self.step)
    }

    /// Groups of which nothing is known count as seen now.
    fn cover(&mut self, end: u32) {
        if self.seen.len() < end as usize {
            self.seen.resize(end as usize, self.now);
        }
    }

    fn step_of(&self, time: Time) -> u32 {
        u32::try_from(time.div_euclid(self.step)).unwrap_or(0)
    }

    /// The chunks that changed since this was last asked.
    pub fn changed(&mut self) -> Vec<(u32, &[u32])> {
        let chunks = self.seen.chunks(CHUNK);
        self.saved.resize(chunks.len(), 0);
        let mut changed = Vec::new();
        for ((number, chunk), saved) in chunks.enumerate().zip(&mut self.saved) {
            let hash = foldhash::fast::FixedState::default().hash_one(chunk);
            if std::mem::replace(saved, hash) != hash {
                changed.push((number as u32, chunk));
            }
        }
        changed
    }

    /// Takes back a chunk that [`Self::changed`] gave; chunks come in their order.
    pub fn load(&mut self, seen: &[u32]) {
        self.seen.extend_from_slice(seen);
    }
}
