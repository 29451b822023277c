//! `|shift()`: moves points and batches in time.

use crate::args::Duration;
use crate::edge::Message;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::state::States;
use model::{Rows, Time};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "shift",
    stem: "shift",
    go: "ShiftNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a| Ok(Box::new(Shift { by: a.one::<Duration>()?.0 })),
    properties: &[],
    counters: &[],
};

/// The definition.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    /// Nanoseconds.
    by: i64,
}

impl Definition for Shift {
    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        if self.by == 0 {
            return Err("invalid shift value: must be non zero duration".into());
        }
        Ok(Box::new(*self))
    }
}

impl Node for Shift {
    type State = ();

    fn feed(&self, _cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        let mut message = std::mem::take(&mut inputs[0]);
        match &mut message {
            Message::None => {}
            Message::Stream(run) => self.rows(&mut run.rows),
            Message::Batches(batches) => {
                for batch in batches {
                    batch.time = self.time(batch.time);
                    self.rows(&mut batch.rows);
                }
            }
        }
        message
    }
}

impl Shift {
    /// Times beyond what 64 bits can say stay at the limit: 1677 or 2262.
    #[inline]
    fn time(&self, time: Time) -> Time {
        time.saturating_add(self.by)
    }

    fn rows(&self, rows: &mut Rows) {
        rows.times = Arc::new(rows.times.iter().map(|&time| self.time(time)).collect());
    }
}
