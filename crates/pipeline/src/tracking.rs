//! What `stateCount` and `stateDuration` share: a state expression, and a field that says how long
//! it has held.

use crate::edge::Message;
use crate::node::{Cx, Node};
use crate::rowwise::Predicate;
use crate::state::{GroupState, States};
use model::{Column, Name, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the field is worked out.
pub trait Track: Send + Sync + 'static {
    /// What is remembered of a group while it is in the state.
    type Memory: GroupState;
    /// The type of the field.
    type Out;

    /// The field's value at a point.
    fn track(&self, memory: &mut Self::Memory, time: Time, inside: bool) -> Self::Out;

    /// The field's column.
    fn column(values: Vec<Self::Out>) -> Column;
}

/// The operator of both nodes.
pub struct Tracking<T> {
    /// The state.
    pub state: Predicate,
    /// The field that is added.
    pub field: Name,
    /// What it says.
    pub track: T,
}

/// What is remembered of a group.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound = "M: GroupState")]
pub struct Memory<M> {
    lambda: lambda::State,
    track: M,
}

impl<T: Track> Node for Tracking<T> {
    type State = Memory<T::Memory>;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => {
                let verdicts =
                    self.state.verdicts(cx, &run.rows, |row| run.groups[row], states, 0, |s| &mut s.lambda);
                let kept = verdicts.decided();
                let mut out = if kept.len() == run.rows.len() { run } else { run.gather(&kept) };
                let values = kept.iter().zip(out.groups.iter()).zip(out.rows.times.iter());
                let values = values.map(|((&row, &group), &time)| {
                    self.track.track(&mut states.get(group).track, time, verdicts.passed(row))
                });
                let column = T::column(values.collect());
                out.rows.set_field(self.field.clone(), Arc::new(column));
                if kept.is_empty() { Message::None } else { Message::Stream(out) }
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    let verdicts =
                        self.state.verdicts(cx, &batch.rows, |_| batch.group, states, 0, |s| &mut s.lambda);
                    let kept = verdicts.decided();
                    // Each batch starts afresh.
                    let mut memory = T::Memory::default();
                    let times = &batch.rows.times;
                    let value =
                        |&row: &u32| self.track.track(&mut memory, times[row as usize], verdicts.passed(row));
                    let column = T::column(kept.iter().map(value).collect());
                    batch.rows = batch.rows.gather(&kept);
                    batch.rows.set_field(self.field.clone(), Arc::new(column));
                }
                Message::Batches(batches)
            }
        }
    }
}
