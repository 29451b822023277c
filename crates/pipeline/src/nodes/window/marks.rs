//! Windows by time under barriers: a barrier that reaches the emission time lets the batch go as a point
//! would, and is replaced by it; an earlier one is swallowed.

use crate::edge::{Batch, Flow, Mark, Message};
use crate::node::{Cx, Node};
use crate::state::States;
use model::{Origin, Time};

/// Where the points of a window come from that was started by a barrier: Kapacitor names its batches
/// after the message that started it.
pub fn origin() -> Origin {
    Origin { db: "".into(), rp: "".into(), name: "barrier".into() }
}

/// Takes marks: `barrier` gives the batches that one lets go. Of each group the batches come before the
/// mark that ends it.
pub fn each<N: Node>(
    node: &N,
    cx: &mut Cx<'_>,
    states: &mut States<N::State>,
    marks: Vec<Mark>,
    mut barrier: impl FnMut(&mut Cx<'_>, &mut States<N::State>, u32, Time) -> Vec<Batch>,
) -> Vec<Flow> {
    let (mut batches, mut over) = (Vec::new(), Vec::new());
    for mark in marks {
        match mark {
            Mark::Barrier { group, time } => {
                cx.seen.add_all([group]);
                batches.extend(barrier(cx, states, group, time));
            }
            Mark::Delete { .. } => {
                node.forget_marked(cx, states, &[mark]);
                over.push(mark);
            }
        }
    }
    let mut flows = Vec::new();
    if !batches.is_empty() {
        flows.push(Flow::Data(Message::Batches(batches)));
    }
    if !over.is_empty() {
        flows.push(Flow::Marks(over));
    }
    flows
}
