//! When what the parents of a union bring goes on.
//!
//! Each parent has a queue. Its low mark is the time at the front of the queue, or the last such
//! time when the queue is empty. Whatever is not later than the least low mark goes on, parent by
//! parent (the one that the union follows comes last), for as long as there is something; nothing
//! does before every parent has brought something. A late point at the front of a queue takes the low mark back with it.

use crate::group::Group;
use crate::merge::limit::give_back;
use model::Time;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The queues.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Queues(Vec<Queue>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Queue {
    low: Option<Time>,
    items: VecDeque<Item>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    time: Time,
    what: What,
}

/// What waits.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// The next of what was kept of this parent from earlier entries.
    Kept,
    /// A mark.
    Over(Box<Over>),
    /// Something that the entry brings which is being fed, by its place. Behind the others, for a
    /// skipped variant has no number of its own.
    #[serde(skip)]
    New(u32),
}

/// A mark that waits.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Over {
    /// The group, as the output has it.
    pub group: Group,
    /// The time of a barrier; without one the group is over.
    pub barrier: Option<Time>,
}

/// Something that goes on.
#[derive(Debug, PartialEq)]
pub struct Let {
    /// The parent.
    pub source: u32,
    /// What.
    pub what: What,
}

impl Queue {
    /// Takes things from the front up to the first that is later.
    #[inline]
    fn items_to(&mut self, mark: Time) -> impl Iterator<Item = Item> {
        std::iter::from_fn(move || {
            let due = self.items.front().is_some_and(|item| item.time <= mark);
            due.then(|| self.items.pop_front()).flatten()
        })
    }
}

impl Queues {
    /// Makes sure that each parent has a queue.
    pub fn ready(&mut self, sources: usize) {
        self.0.resize_with(sources, Queue::default);
    }

    /// Puts something into the queue of its parent. Whether it is at the front: behind others it
    /// moves no mark, so that nothing can go on for its sake.
    #[inline]
    pub fn push(&mut self, source: usize, time: Time, what: What) -> bool {
        let items = &mut self.0[source].items;
        items.push_back(Item { time, what });
        items.len() == 1
    }

    /// Puts a mark behind what waits of the parent: it has no time of its own.
    pub fn push_behind(&mut self, source: usize, over: Over, out: &mut Vec<Let>) {
        let what = What::Over(Box::new(over));
        match self.0[source].items.back().map(|last| last.time) {
            Some(time) => {
                self.push(source, time, what);
            }
            None => out.push(Let { source: source as u32, what }),
        }
    }

    /// Adds what can go on to `out`; when no more comes (`drain`) that is everything.
    #[inline]
    pub fn release(&mut self, drain: bool, out: &mut Vec<Let>) {
        while let Some(mark) = self.mark(drain) {
            let before = out.len();
            // Kapacitor links the node that is followed behind those in the parentheses.
            for source in (1..self.0.len()).chain([0]) {
                let due = self.0[source].items_to(mark);
                out.extend(due.map(|item| Let { source: source as u32, what: item.what }));
            }
            if out.len() == before {
                return;
            }
        }
    }

    #[inline]
    fn mark(&mut self, drain: bool) -> Option<Time> {
        let mut mark: Option<Time> = None;
        for queue in &mut self.0 {
            let front = queue.items.front().map(|item| item.time);
            queue.low = front.or(queue.low);
            let low = match drain {
                true if front.is_none() => continue,
                _ => queue.low?,
            };
            mark = Some(mark.map_or(low, |mark| mark.min(low)));
        }
        mark
    }

    /// How many points, batches and marks wait.
    pub fn len(&self) -> usize {
        self.0.iter().map(|queue| queue.items.len()).sum()
    }

    /// Lets the oldest go as if every parent that brings nothing had got as far, until what went has
    /// the weight: of something of a parent, given how many things kept of it went before. All that
    /// waits must be marks and things kept. Gives the number of things that are no marks.
    pub fn shed(
        &mut self,
        mut excess: usize,
        weight: impl Fn(usize, usize) -> usize,
        out: &mut Vec<Let>,
    ) -> usize {
        let mut gone = vec![0; self.0.len()];
        while excess > 0
            && let Some(mark) = self.mark(true)
        {
            for source in (1..self.0.len()).chain([0]) {
                for item in self.0[source].items_to(mark) {
                    let kept = item.what == What::Kept;
                    excess = excess.saturating_sub(if kept { weight(source, gone[source]) } else { 1 });
                    gone[source] += usize::from(kept);
                    out.push(Let { source: source as u32, what: item.what });
                }
            }
        }
        gone.iter().sum()
    }

    /// What waits of the entry that was fed, in order: from now on it is something kept.
    pub fn settle(&mut self, source: usize) -> Vec<u32> {
        give_back(&mut self.0[source].items);
        let mut left = Vec::new();
        // Whatever is new is behind all that was kept.
        for item in self.0[source].items.iter_mut().rev() {
            match item.what {
                What::New(at) => {
                    left.push(at);
                    item.what = What::Kept;
                }
                What::Kept => break,
                What::Over(_) => {}
            }
        }
        left.reverse();
        left
    }
}
