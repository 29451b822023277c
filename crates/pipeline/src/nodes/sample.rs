//! `|sample()`: passes every so manieth point of a group, or those whose time is a multiple of a
//! duration.

use crate::args::{Args, Refused};
use crate::dimensions::go_truncate;
use crate::edge::Message;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::state::States;
use model::Time;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "sample",
    stem: "sample",
    go: "SampleNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| Ok(Box::new(rate(a)?)),
    properties: &[],
    counters: &[],
};

/// The definition.
#[derive(Clone, Copy, Debug)]
pub enum Sample {
    /// One of so many points; the sign does not matter.
    Count(i64),
    /// The points at multiples of so many nanoseconds; all, if that is negative.
    Every(i64),
}

fn rate(args: &Args<'_>) -> Result<Sample, Refused> {
    args.exactly(1)?;
    match args.values[0] {
        tick::Value::Int(n) => Ok(Sample::Count(n)),
        tick::Value::Duration(every) => Ok(Sample::Every(every)),
        _ => Err(args.refuse("must pass int64 or duration to new sample node")),
    }
}

impl Definition for Sample {
    fn is_stateful(&self) -> bool {
        matches!(self, Sample::Count(_))
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        match *self {
            Sample::Count(0) | Sample::Every(0) => {
                Err("invalid sample rate: must be positive integer or duration".into())
            }
            Sample::Count(n) => Ok(Box::new(ByCount(n.unsigned_abs()))),
            Sample::Every(every) => Ok(Box::new(ByTime::new(every))),
        }
    }
}

struct ByCount(u64);

/// How many points of the group have come since the last that was passed, that one included; 0
/// passes the next.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Since(u64);

impl Node for ByCount {
    type State = Since;

    fn feed(&self, _cx: &mut Cx<'_>, states: &mut States<Since>, inputs: &mut [Message]) -> Message {
        let passes = |since: &mut u64| {
            let passes = *since == 0;
            *since += 1;
            if *since == self.0 {
                *since = 0;
            }
            passes
        };
        pass(
            std::mem::take(&mut inputs[0]),
            |_, group| passes(&mut states.get(group).0),
            // Each batch starts afresh.
            |row, _| (row as u64).is_multiple_of(self.0),
        )
    }
}

struct ByTime {
    every: i64,
    /// How far the epoch is past a multiple of `every`, counted as Go does.
    epoch: u64,
}

impl ByTime {
    fn new(every: i64) -> ByTime {
        ByTime { every, epoch: go_truncate(0, every).unsigned_abs() }
    }

    #[inline]
    fn passes(&self, time: Time) -> bool {
        // Both are below 2^63, so that the sum fits.
        self.every <= 0 || (time.rem_euclid(self.every) as u64 + self.epoch).is_multiple_of(self.every as u64)
    }
}

impl Node for ByTime {
    type State = ();

    fn feed(&self, _cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        pass(std::mem::take(&mut inputs[0]), |time, _| self.passes(time), |_, time| self.passes(time))
    }
}

/// The points that pass: of a stream by time and group, of a batch by row and time.
fn pass(
    message: Message,
    mut of_stream: impl FnMut(Time, u32) -> bool,
    of_batch: impl Fn(usize, Time) -> bool,
) -> Message {
    match message {
        Message::None => Message::None,
        Message::Stream(run) => {
            let points = run.rows.times.iter().zip(run.groups.iter()).enumerate();
            let mut kept = Vec::new();
            for (row, (&time, &group)) in points {
                if of_stream(time, group) {
                    kept.push(row as u32);
                }
            }
            match kept.len() {
                0 => Message::None,
                n if n == run.rows.len() => Message::Stream(run),
                _ => Message::Stream(run.gather(&kept)),
            }
        }
        Message::Batches(mut batches) => {
            for batch in &mut batches {
                let times = batch.rows.times.iter().enumerate();
                let kept = times.filter(|&(row, &time)| of_batch(row, time)).map(|(row, _)| row as u32);
                let kept: Vec<u32> = kept.collect();
                if kept.len() < batch.rows.len() {
                    batch.rows = batch.rows.gather(&kept);
                }
            }
            Message::Batches(batches)
        }
    }
}
