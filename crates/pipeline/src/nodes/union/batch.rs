//! The union of batches.

use super::queues::{Let, What};
use super::{Arrived, Edge, Rules};
use crate::edge::{Batch, Message};
use crate::group::Group;
use crate::merge::kept::Kept;
use crate::merge::limit::give_back;
use crate::node::Cx;
use model::{Name, Origin, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

/// Batches.
pub struct Batches;

/// The batches of one parent that wait.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Waiting {
    batches: VecDeque<Held>,
    /// Points in them.
    points: usize,
}

impl Waiting {
    fn put(&mut self, held: Held) {
        self.points += held.rows.len();
        self.batches.push_back(held);
    }

    fn take(&mut self) -> Option<Held> {
        let held = self.batches.pop_front()?;
        self.points = self.points.saturating_sub(held.rows.len());
        give_back(&mut self.batches);
        Some(held)
    }
}

/// A batch that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    group: Group,
    origin: (Name, Name, Name),
    tags: TagSet,
    time: Time,
    rows: Kept,
}

fn as_batches(message: &Message) -> &[Batch] {
    match message {
        Message::Batches(batches) => batches,
        _ => &[],
    }
}

impl Edge for Batches {
    type Kept = Waiting;

    fn arrived(message: &Message) -> Arrived<'_> {
        let batches = as_batches(message);
        Arrived {
            times: Cow::Owned(batches.iter().map(|batch| batch.time).collect()),
            ordinals: Cow::Owned(batches.iter().map(|batch| batch.ordinal).collect()),
        }
    }

    fn send(
        cx: &mut Cx<'_>,
        rules: &Rules,
        kept: &mut [Waiting],
        inputs: &mut [Message],
        lets: &[Let],
        ordinals: &[u32],
    ) -> Message {
        let mut out = Vec::with_capacity(lets.len());
        for (Let { source, what }, &ordinal) in lets.iter().zip(ordinals) {
            let source = *source as usize;
            let sent = match what {
                What::New(at) => as_batches(&inputs[source]).get(*at as usize).cloned().map(|batch| {
                    let space = rules.space(cx, source);
                    Batch { group: rules.group(cx, space, batch.group), ..batch }
                }),
                _ => kept[source].take().map(|held| {
                    let (db, rp, name) = held.origin;
                    Batch {
                        group: cx.spaces[cx.space_out].intern(rules.renamed(held.group)),
                        ordinal,
                        origin: Arc::new(Origin { db, rp, name }),
                        tags: held.tags,
                        time: held.time,
                        rows: held.rows.into_rows(),
                    }
                }),
            };
            out.extend(sent.map(|batch| renamed(rules, Batch { ordinal, ..batch })));
        }
        if out.is_empty() { Message::None } else { Message::Batches(out) }
    }

    fn inside(kept: &Waiting) -> usize {
        kept.points
    }

    fn weight(kept: &Waiting, at: usize) -> usize {
        1 + kept.batches.get(at).map_or(0, |held| held.rows.len())
    }

    fn keep(cx: &Cx<'_>, space: usize, kept: &mut Waiting, input: &Message, rows: &[u32]) {
        for batch in rows.iter().filter_map(|&at| as_batches(input).get(at as usize)) {
            let mut rows = Kept::default();
            let all: Vec<u32> = (0..batch.rows.len() as u32).collect();
            rows.append(&batch.rows, &all, cx.series);
            let Origin { db, rp, name } = &*batch.origin;
            kept.put(Held {
                group: cx.spaces[space].get(batch.group),
                origin: (db.clone(), rp.clone(), name.clone()),
                tags: batch.tags.clone(),
                time: batch.time,
                rows,
            });
        }
    }
}

fn renamed(rules: &Rules, mut batch: Batch) -> Batch {
    if rules.rename.is_some() {
        batch.origin = rules.origin(&batch.origin);
        batch.rows.origins = rules.origins(batch.rows.origins);
    }
    batch
}
