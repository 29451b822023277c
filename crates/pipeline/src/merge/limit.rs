//! How much may wait for a parent that is silent, and how its memory is given back.
//!
//! What comes of one parent waits for the others, for ever if one of them has fallen silent.
//! Kapacitor's memory grows with it until the process dies; here the oldest goes when too much waits.

use crate::logfmt::pair;
use crate::node::{Cx, Log, LogLevel};
use std::collections::VecDeque;

/// The most that may wait in one node of one shard. A point counts one, a mark too, and a batch one
/// beside its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub usize);

/// A million points of a few fields take some hundred megabytes: more than parents that are merely
/// late leave behind, less than a server has.
impl Default for Limit {
    fn default() -> Limit {
        Limit(1_000_000)
    }
}

/// What logs and statistics call it when too much waits.
pub const TOO_MANY: &str = "too many points wait for a parent that is silent";

impl Limit {
    /// How much of what waits has to go: somewhat more than is too much, so that it is not looked
    /// for, and told, again with the next entry.
    pub fn excess(self, waits: usize) -> Option<usize> {
        (waits > self.0).then(|| waits - (self.0 - self.slack()))
    }

    /// What may come before it is worth counting again.
    pub fn room(self, waits: usize) -> u64 {
        (self.0.saturating_sub(waits)).max(self.slack()) as u64
    }

    fn slack(self) -> usize {
        self.0 / 16
    }

    /// Tells that points were sent on before their turn. None is lost, so none counts as an error.
    pub fn tell(self, cx: &mut Cx<'_>, points: usize) {
        if cx.quiet || points == 0 {
            return;
        }
        let mut pairs = String::new();
        pair(&mut pairs, "sent", &points.to_string());
        pair(&mut pairs, "limit", &self.0.to_string());
        cx.effects.logs.push(Log {
            level: LogLevel::Warn,
            task: cx.task.clone(),
            node: cx.name.clone(),
            message: format!("{TOO_MANY}: the oldest are sent on"),
            pairs,
            points: 0,
        });
    }

    /// Counts points that were dropped because too many wait.
    pub fn dropped(self, cx: &mut Cx<'_>, points: usize) {
        if points > 0 {
            cx.error(points as u64, || format!("{TOO_MANY}: the oldest of more than {} are dropped", self.0));
        }
    }
}

/// Gives memory of a queue back that it has not needed for long: a queue keeps what it once took.
#[inline]
pub fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > 64 && queue.capacity() / 4 > queue.len() {
        shrink(queue);
    }
}

#[cold]
fn shrink<T>(queue: &mut VecDeque<T>) {
    // Not to the last: it will grow again, and every move has to be worth what came before it.
    queue.shrink_to(queue.len() * 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_go_leaves_room_for_more() {
        let limit = Limit(160);
        assert_eq!(limit.excess(160), None);
        assert_eq!(limit.excess(161), Some(11));
        assert_eq!((limit.room(0), limit.room(150), limit.room(155)), (160, 10, 10));
        assert_eq!((Limit(0).excess(1), Limit(0).room(5)), (Some(1), 0));
        assert_eq!((Limit(3).excess(4), Limit(3).room(3)), (Some(1), 0));
    }

    #[test]
    fn a_queue_gives_its_memory_back() {
        let mut queue: VecDeque<u64> = (0..10_000).collect();
        let mut moves = 0;
        while queue.pop_front().is_some() {
            let before = queue.capacity();
            give_back(&mut queue);
            moves += usize::from(queue.capacity() != before);
            assert!(queue.capacity() <= 64 || queue.capacity() / 4 <= queue.len());
        }
        assert!(moves < 12, "{moves}");
    }
}
