//! A fused pair under barriers: the window's half hands them through, the function's half does with them
//! what the window would, and answers what the function would to the batches.

use super::{Completed, Fused, HandThrough, Held};
use crate::edge::{Flow, Mark};
use crate::node::{Cx, Node};
use crate::nodes::window::marks::origin;
use crate::state::States;

/// The window's half: it only counts its groups.
pub fn hand_through(
    node: &HandThrough,
    cx: &mut Cx<'_>,
    states: &mut States<()>,
    marks: Vec<Mark>,
) -> Vec<Flow> {
    for mark in &marks {
        match *mark {
            Mark::Barrier { group, .. } => cx.seen.add_all([group]),
            Mark::Delete { .. } => node.forget_marked(cx, states, std::slice::from_ref(mark)),
        }
    }
    vec![Flow::Marks(marks)]
}

impl Fused {
    /// The function's half. Of each group its points come before the mark that ends it.
    pub fn take_marks(&self, cx: &mut Cx<'_>, states: &mut States<Held>, marks: Vec<Mark>) -> Vec<Flow> {
        let (mut done, mut over) = (Completed::default(), Vec::new());
        for mark in marks {
            match mark {
                Mark::Barrier { group, time } => {
                    let held = states.get(group);
                    if held.name.is_none() {
                        self.start(held, origin().name, time);
                    }
                    if time >= held.next_emit {
                        self.complete(cx, held, group, 0, time, &mut done);
                    }
                }
                Mark::Delete { group } => over.push((group, mark)),
            }
        }
        self.count(cx, &mut done);
        // Only now: what a group completed was counted as one of the groups seen.
        for (_, mark) in &over {
            self.forget_marked(cx, states, std::slice::from_ref(mark));
        }
        let mut flows = Vec::new();
        let points = done.points.into_message();
        if points.count() > 0 {
            flows.push(points.into());
        }
        if !over.is_empty() {
            flows.push(Flow::Marks(over.into_iter().map(|(_, mark)| mark).collect()));
        }
        flows
    }
}
