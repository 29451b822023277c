//! The union of points. While an entry is fed, a point is the number of its row; what comes out is
//! gathered column by column from the entry's runs and from what was kept.

use super::queues::{Let, What};
use super::{Arrived, Edge, Rules};
use crate::edge::{Message, Run};
use crate::group::Group;
use crate::merge::kept::Kept;
use crate::merge::limit::give_back;
use crate::merge::{Pick, gather};
use crate::node::Cx;
use model::{Rows, TagColumn};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

/// Points.
pub struct Stream;

/// The points of one parent that wait.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Points {
    rows: Kept,
    /// The group of each, as the parent has it: its number may be another's by then.
    groups: VecDeque<Group>,
}

fn as_run(message: &Message) -> Option<&Run> {
    match message {
        Message::Stream(run) => Some(run),
        _ => None,
    }
}

impl Edge for Stream {
    type Kept = Points;

    fn arrived(message: &Message) -> Arrived<'_> {
        as_run(message).map_or_else(Arrived::default, |run| Arrived {
            times: Cow::Borrowed(&run.rows.times),
            ordinals: Cow::Borrowed(&run.rows.ordinals),
        })
    }

    fn send(
        cx: &mut Cx<'_>,
        rules: &Rules,
        kept: &mut [Points],
        inputs: &mut [Message],
        lets: &[Let],
        ordinals: &[u32],
    ) -> Message {
        if lets.is_empty() {
            return Message::None;
        }
        let (picks, groups) = picked(cx, rules, kept, inputs, lets);
        let none = Rows::empty(rules.origin(&Arc::new(model::Origin {
            db: "".into(),
            rp: "".into(),
            name: "".into(),
        })));
        let new = inputs.iter().map(|input| as_run(input).map_or(&none, |run| &run.rows));
        let parts: Vec<&Rows> = kept.iter().map(|kept| kept.rows.rows()).chain(new).collect();
        let mut rows = gather(&parts, &picks, cx.series);
        rows.ordinals = Arc::new(ordinals.to_vec());
        if rules.rename.is_some() {
            rows.origins = rules.origins(rows.origins);
            rows.tags = own_tags(rows.tags, cx);
        }
        for (source, kept) in kept.iter_mut().enumerate() {
            let gone = picks.iter().filter(|pick| pick.part as usize == source).count();
            kept.rows.give(gone);
            kept.groups.drain(..gone);
            give_back(&mut kept.groups);
        }
        let groups_end = groups.iter().max().map_or(0, |max| max + 1);
        Message::Stream(Run { rows, groups: Arc::new(groups), groups_end })
    }

    fn inside(_kept: &Points) -> usize {
        0
    }

    fn weight(_kept: &Points, _at: usize) -> usize {
        1
    }

    fn keep(cx: &Cx<'_>, space: usize, kept: &mut Points, input: &Message, rows: &[u32]) {
        let Some(run) = as_run(input) else { return };
        kept.rows.append(&run.rows, rows, cx.series);
        kept.groups.extend(rows.iter().map(|&row| cx.spaces[space].get(run.groups[row as usize])));
    }
}

/// Where the points are (what was kept of each parent, then the entry's runs), and their groups.
fn picked(
    cx: &mut Cx<'_>,
    rules: &Rules,
    kept: &[Points],
    inputs: &[Message],
    lets: &[Let],
) -> (Vec<Pick>, Vec<u32>) {
    let runs: Vec<Option<&Run>> = inputs.iter().map(as_run).collect();
    let spaces: Vec<usize> = (0..runs.len()).map(|source| rules.space(cx, source)).collect();
    let mut taken = vec![0; kept.len()];
    let mut picks = Vec::with_capacity(lets.len());
    let mut groups = Vec::with_capacity(lets.len());
    for Let { source, what } in lets {
        let at = *source as usize;
        if let (What::New(row), Some(run)) = (what, runs[at]) {
            picks.push(Pick { part: (kept.len() + at) as u32, row: *row });
            groups.push(rules.group(cx, spaces[at], run.groups[*row as usize]));
        } else {
            picks.push(Pick { part: *source, row: (kept[at].rows.first() + taken[at]) as u32 });
            let group = rules.renamed(kept[at].groups[taken[at]].clone());
            groups.push(cx.spaces[cx.space_out].intern(group));
            taken[at] += 1;
        }
    }
    (picks, groups)
}

/// Tags that do not lead to the series: its measurement is not the points' any more.
fn own_tags(tags: TagColumn, cx: &Cx<'_>) -> TagColumn {
    match tags {
        TagColumn::Series(ids) => {
            TagColumn::Sets(Arc::new(ids.iter().map(|&id| cx.series.get(id).tags.clone()).collect()))
        }
        sets => sets,
    }
}
