//! The node that does nothing: a node of which only statistics are wanted gets it as a child, so that
//! what it sends on has somewhere to go. No script can name it, but it takes a number.

use crate::edge::Message;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::state::States;

/// The kind. Not in the list: no chain method makes it.
pub static KIND: Kind = Kind {
    name: "noop",
    stem: "noop",
    go: "NoOpNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |_| Ok(Box::new(Noop { refused: None })),
    properties: &[],
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct Noop {
    /// Why it cannot stand where it was put: its parent gives nothing to children.
    pub refused: Option<String>,
}

impl Definition for Noop {
    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        match &self.refused {
            Some(why) => Err(why.clone()),
            None => Ok(Box::new(Operator)),
        }
    }
}

struct Operator;

impl Node for Operator {
    type State = ();

    fn feed(&self, _cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        std::mem::take(&mut inputs[0])
    }
}
