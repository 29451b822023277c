//! An alert that holds others back: it wants to be called once a group is over, however that came, to
//! let go of what the group held back.

use super::memory::Memory;
use super::operator::Operator;
use crate::edge::{Flow, Mark, Message};
use crate::node::{Cx, Node};
use crate::state::States;
use model::Time;

/// The operator of such an alert.
pub(super) struct Inhibiting(pub Operator);

impl Node for Inhibiting {
    type State = Memory;

    const TIMED: bool = true;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, inputs: &mut [Message]) -> Message {
        self.0.let_go(cx, states);
        self.0.feed(cx, states, inputs)
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        self.0.mark(cx, states, input, marks)
    }

    fn forget(&self, states: &mut States<Memory>, group: u32) {
        self.0.forget(states, group);
        // At the next tick; there is nobody to tell it now.
        states.wake_by(Time::MIN);
    }

    fn tick(&self, cx: &mut Cx<'_>, states: &mut States<Memory>) -> Vec<Flow> {
        self.0.let_go(cx, states);
        states.set_due(Time::MAX);
        Vec::new()
    }
}
