//! The end of groups: those that are idle for too long, those that have to go when memory is short, and
//! those that a barrier has ended in every node that knew them.

#[cfg(test)]
mod tests;

use crate::shard::{Running, Shard};
use model::Time;
use std::sync::atomic::Ordering::Relaxed;

impl Running {
    /// Forgets all that nodes know of groups of a space.
    fn forget(&mut self, space: usize, groups: &[u32], shard: u32) {
        for (node, operator) in self.task.operators.iter().enumerate() {
            let (Some(operator), Some(states)) = (operator, &mut self.states[node]) else { continue };
            if self.spaces[node].0 != space {
                continue;
            }
            if operator.node.by_group() {
                groups.iter().for_each(|&group| operator.node.forget(&mut **states, group));
            }
            let seen = &mut self.seen[node];
            groups.iter().for_each(|&group| seen.remove(group));
            operator.stats.groups[shard as usize].store(seen.count(), Relaxed);
        }
    }

    /// Some node has a state for a group of a space.
    fn holds(&self, space: usize, group: u32) -> bool {
        let nodes = self.task.operators.iter().zip(&self.states).zip(&self.spaces);
        nodes.into_iter().any(|((operator, states), &(input, _))| {
            let by_group = operator.as_ref().is_some_and(|operator| operator.node.by_group());
            input == space && by_group && states.as_ref().is_some_and(|states| states.is_used(group))
        })
    }
}

impl Shard {
    /// How long the longest idle part of all groups has been so, nanoseconds: what `idle` of
    /// [`Self::tick`] ends them. `None` where it is not known how long groups have been idle.
    pub fn oldest(&self, now: Time, part: f64) -> Option<i64> {
        let tables = self.spaces.iter().filter_map(|space| space.idle.as_ref());
        let mut seen: Vec<Time> = tables.flat_map(|idle| idle.times()).collect();
        let last = seen.len().checked_sub(1)?;
        let at = ((seen.len() as f64 * part) as usize).min(last);
        let (_, &mut time, _) = seen.select_nth_unstable(at);
        Some(now.saturating_sub(time).max(0))
    }

    /// Groups that ended because they were idle, or for others when memory was short, since this was
    /// last asked.
    pub fn take_expired(&mut self) -> u64 {
        std::mem::take(&mut self.expired)
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.spaces.iter().map(crate::group::GroupTable::len).sum()
    }

    /// Ends the groups whose time is over, and tells when to look next.
    pub(crate) fn sweep(&mut self, now: Time) {
        for space in 0..self.spaces.len() {
            let ttl = self.spaces[space].idle.as_ref().map_or(0, |idle| idle.ttl);
            if ttl > 0 {
                self.end_idle(space, now, ttl);
            }
        }
        let every = self.spaces.iter().filter_map(|space| space.idle.as_ref()?.sweep_every()).min();
        self.sweep = every.map_or(Time::MAX, |every| now.saturating_add(every));
    }

    /// Ends all groups that have been idle for so long.
    pub(crate) fn end_longer_idle(&mut self, now: Time, idle: i64) {
        for space in 0..self.spaces.len() {
            self.end_idle(space, now, idle);
        }
    }

    fn end_idle(&mut self, space: usize, now: Time, idle: i64) {
        let groups = self.spaces[space].idle_for(now, idle);
        if groups.is_empty() {
            return;
        }
        for running in &mut self.tasks {
            running.forget(space, &groups, self.number);
        }
        self.expired += groups.len() as u64;
        self.spaces[space].release(&groups);
    }

    /// Gives the numbers of groups back that marks have ended, where no node of any task knows of them.
    pub(crate) fn release_deleted(&mut self, mut deleted: Vec<(usize, u32)>) {
        deleted.sort_unstable();
        deleted.dedup();
        deleted.retain(|&(space, group)| !self.tasks.iter().any(|running| running.holds(space, group)));
        for of_space in deleted.chunk_by(|a, b| a.0 == b.0) {
            let space = of_space[0].0;
            let groups: Vec<u32> = of_space.iter().map(|&(_, group)| group).collect();
            // Nodes without state may have counted them.
            for running in &mut self.tasks {
                running.forget(space, &groups, self.number);
            }
            self.spaces[space].release(&groups);
        }
    }
}
