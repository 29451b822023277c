//! `|httpOut()`: keeps the last point or batch of each group, for
//! `GET /kapacitor/v1/tasks/TASK/ENDPOINT`. Passes everything on.

use crate::edge::Message;
use crate::endpoint::Shown;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::rowshape::{batch_row, point_row};
use crate::state::States;
use model::Row;
use serde::{Deserialize, Serialize};

/// The kind.
pub static KIND: Kind = Kind {
    name: "httpOut",
    stem: "http_out",
    go: "HTTPOutNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| Ok(Box::new(HttpOut { endpoint: a.one()? })),
    properties: &[],
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct HttpOut {
    /// The last part of the path.
    pub endpoint: String,
}

impl Definition for HttpOut {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(Box::new(Operator))
    }
}

/// What is kept of a group.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// When the group was first seen.
    since: Option<(i64, u32)>,
    row: Option<Row>,
    /// The last row of the run being fed, plus one.
    #[serde(skip)]
    pending: u32,
}

struct Operator;

impl Node for Operator {
    type State = Kept;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Kept>, inputs: &mut [Message]) -> Message {
        match &inputs[0] {
            Message::None => {}
            Message::Stream(run) => {
                // Only the last point of each group is worth making a row of.
                let mut touched = Vec::new();
                for (row, &group) in run.groups.iter().enumerate() {
                    let kept = states.get(group);
                    kept.since.get_or_insert((cx.now, run.rows.ordinals[row]));
                    if kept.pending == 0 {
                        touched.push(group);
                    }
                    kept.pending = row as u32 + 1;
                }
                for group in touched {
                    let kept = states.get(group);
                    let row = std::mem::take(&mut kept.pending) as usize - 1;
                    kept.row = Some(point_row(&run.rows, row, cx.series));
                }
            }
            Message::Batches(batches) => {
                for batch in batches {
                    let kept = states.get(batch.group);
                    kept.since.get_or_insert((cx.now, batch.ordinal));
                    kept.row = Some(batch_row(batch, cx.series));
                }
            }
        }
        std::mem::take(&mut inputs[0])
    }

    fn show(&self, states: &States<Kept>) -> Vec<Shown> {
        let shown = |kept: &Kept| Some(Shown { since: kept.since?, row: kept.row.clone() });
        states.iter().filter_map(|(_, kept)| shown(kept)).collect()
    }
}
