//! Sets of points that belong together: one group's, by rounded time.
//!
//! A point goes into the first set of its time that has none of its parent yet. After each point
//! only the *oldest* time is looked at: its sets are sent on from the front for as long as they
//! are complete, or all of them once every parent has gone beyond that time; only then the next
//! time has its turn. So a complete set waits behind an older one that is not.

use crate::merge::limit::give_back;
use model::Time;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// The sets of a group.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sets<P> {
    /// The last time of each parent; the least there is for one that has brought nothing.
    heads: SmallVec<[Time; 2]>,
    /// Sorted by time, then in the order in which they were begun. Of the sets of one time those
    /// that have a point of a given parent come first.
    queue: VecDeque<Set<P>>,
}

/// One point of each parent, or of some.
#[derive(Debug, Serialize, Deserialize)]
pub struct Set<P> {
    /// The rounded time.
    pub time: Time,
    /// How many parents' points are there.
    filled: u32,
    /// The points by parent.
    pub points: SmallVec<[Option<P>; 2]>,
}

impl<P> Default for Sets<P> {
    fn default() -> Sets<P> {
        Sets { heads: SmallVec::new(), queue: VecDeque::new() }
    }
}

impl<P> Set<P> {
    /// A point of each parent is there.
    pub fn is_complete(&self) -> bool {
        self.filled as usize == self.points.len()
    }
}

impl<P> Sets<P> {
    /// No set waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes a point of parent `source` of `sources`, and hands on the sets whose turn has come.
    #[inline]
    pub fn collect(&mut self, sources: usize, source: usize, time: Time, point: P, send: impl FnMut(Set<P>)) {
        self.ready(sources);
        let at = self.lacking(source, time);
        if self.queue.get(at).is_none_or(|set| set.time != time) {
            let points = (0..sources).map(|_| None).collect();
            self.queue.insert(at, Set { time, filled: 0, points });
        }
        let set = &mut self.queue[at];
        set.points[source] = Some(point);
        set.filled += 1;
        self.heads[source] = time;
        self.release(send);
    }

    /// Parent `source` has got as far as `time` without a point.
    pub fn advance(&mut self, sources: usize, source: usize, time: Time, send: impl FnMut(Set<P>)) {
        self.ready(sources);
        self.heads[source] = time;
        self.release(send);
    }

    /// The sets that wait, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = &Set<P>> {
        self.queue.iter()
    }

    /// Gives sets up as if every parent had gone beyond a time, and hands on what then is complete.
    pub fn give_up(&mut self, to: Time, mut send: impl FnMut(Set<P>)) {
        while self.queue.front().is_some_and(|set| set.time <= to) {
            self.queue.pop_front().into_iter().for_each(&mut send);
        }
        self.release(send);
        give_back(&mut self.queue);
    }

    fn ready(&mut self, sources: usize) {
        if self.heads.is_empty() {
            self.heads.resize(sources, Time::MIN);
        }
    }

    /// The place of the first set of that time without a point of the parent, or where it belongs.
    #[inline]
    fn lacking(&self, source: usize, time: Time) -> usize {
        // Nearly always at most one set waits, or the newest is older.
        match self.queue.back() {
            None => 0,
            Some(last) if last.time < time => self.queue.len(),
            Some(_) => {
                let before =
                    |set: &Set<P>| set.time < time || (set.time == time && set.points[source].is_some());
                self.queue.partition_point(before)
            }
        }
    }

    fn release(&mut self, mut send: impl FnMut(Set<P>)) {
        while let Some(oldest) = self.queue.front().map(|set| set.time) {
            let reached = self.heads.iter().all(|&head| head > oldest);
            let ready = |set: &Set<P>| set.time == oldest && (reached || set.is_complete());
            while self.queue.front().is_some_and(ready) {
                self.queue.pop_front().into_iter().for_each(&mut send);
            }
            if !reached {
                break;
            }
        }
        give_back(&mut self.queue);
    }

    /// The place of the parent's point at that time for which `earlier` first fails to hold; the
    /// parent's points of one time are in the order in which they came.
    pub fn find(&mut self, source: usize, time: Time, earlier: impl Fn(&P) -> bool) -> Option<&mut P> {
        let before = |set: &Set<P>| {
            set.time < time || (set.time == time && set.points[source].as_ref().is_some_and(&earlier))
        };
        let at = self.queue.partition_point(before);
        let set = self.queue.get_mut(at).filter(|set| set.time == time)?;
        set.points[source].as_mut()
    }
}
