//! New tags and groups for the points of nodes that change tags. Points of one series have the same
//! tags and points of one group go to the same group, so each is worked out once.

use crate::edge::Run;
use crate::group::Group;
use crate::node::Cx;
use model::{Rows, SeriesTable, TagColumn, TagSet};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Series that are remembered, by their numbers: enough for nearly everyone, and a bound on memory
/// for all others. The tags of the rest are worked out point by point.
pub(super) const REMEMBERED: usize = 1 << 17;

/// What is known of series and groups. None of it is saved: it can be worked out again at any time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    #[serde(skip)]
    series: Vec<Option<Known>>,
    /// For each group of the input, the run in which it was looked at and its new number. The numbers
    /// may belong to other groups by the next run.
    #[serde(skip)]
    groups: Vec<(u32, u32)>,
    /// Number of the run, or batch, that is looked at.
    #[serde(skip)]
    run: u32,
}

#[derive(Debug)]
struct Known {
    /// The tags of the series, to notice if its number belongs to another one now.
    from: TagSet,
    to: TagSet,
    changes: u32,
    /// The run in which `from` was last seen to be right.
    run: u32,
}

impl Known {
    /// `change` gives the new tags and how many are new or gone, or `None` for no change.
    fn of(tags: &TagSet, change: impl Fn(&TagSet) -> Option<(TagSet, u32)>) -> Known {
        let (to, changes) = change(tags).unwrap_or_else(|| (tags.clone(), 0));
        Known { from: tags.clone(), to, changes, run: 0 }
    }
}

impl Memory {
    fn next_run(&mut self) {
        self.run = self.run.wrapping_add(1);
        if self.run == 0 {
            // After so many runs the numbers start anew, and would find what was noted long ago.
            *self = Memory { run: 1, ..Memory::default() };
        }
    }

    /// The tags of the rows as `change` makes them, and how many tags that changed; `None` when no
    /// row has others than before.
    pub fn retag(
        &mut self,
        rows: &Rows,
        series: &SeriesTable,
        change: impl Fn(&TagSet) -> Option<(TagSet, u32)>,
    ) -> Option<(TagColumn, u64)> {
        let mut changes = 0;
        let mut take = |known: &Known| {
            changes += u64::from(known.changes);
            known.to.clone()
        };
        let sets: Vec<TagSet> = match &rows.tags {
            TagColumn::Sets(sets) => sets.iter().map(|tags| take(&Known::of(tags, &change))).collect(),
            TagColumn::Series(ids) => {
                if !self.learn(ids, series, &change) {
                    return None;
                }
                let known = |&id: &u32| match self.series.get(id as usize) {
                    Some(Some(known)) => take(known),
                    _ => take(&Known::of(&series.get(id).tags, &change)),
                };
                ids.iter().map(known).collect()
            }
        };
        (changes > 0).then(|| (TagColumn::Sets(Arc::new(sets)), changes))
    }

    /// Works out what is not known yet. FALSE says that none of these series changes.
    fn learn(
        &mut self,
        ids: &[u32],
        series: &SeriesTable,
        change: impl Fn(&TagSet) -> Option<(TagSet, u32)>,
    ) -> bool {
        self.next_run();
        let mut any = false;
        for &id in ids {
            let at = id as usize;
            if at >= REMEMBERED {
                any = true;
                continue;
            }
            if at >= self.series.len() {
                self.series.resize_with(at + 1, || None);
            }
            let known = match &mut self.series[at] {
                Some(known) if known.run == self.run => known,
                known => check(known, self.run, &series.get(id).tags, &change),
            };
            any |= known.changes > 0;
        }
        any
    }

    /// Moves the points to the groups that `change` makes of theirs; `None` is no other group.
    pub fn regroup(&mut self, cx: &mut Cx<'_>, run: &mut Run, change: impl Fn(&Group) -> Option<Group>) {
        self.next_run();
        if self.groups.len() < run.groups_end as usize {
            self.groups.resize(run.groups_end as usize, (0, 0));
        }
        let mut moved = false;
        for &group in run.groups.iter() {
            let known = &mut self.groups[group as usize];
            if known.0 != self.run {
                *known = (self.run, new_group(cx, group, &change));
                moved |= known.1 != group;
            }
        }
        if moved {
            let groups: Vec<u32> = run.groups.iter().map(|&group| self.groups[group as usize].1).collect();
            run.groups_end = groups.iter().max().map_or(0, |max| max + 1);
            run.groups = Arc::new(groups);
        }
    }
}

/// What is known of a series, worked out anew if its number has come to belong to another one.
fn check<'a>(
    known: &'a mut Option<Known>,
    run: u32,
    tags: &TagSet,
    change: impl Fn(&TagSet) -> Option<(TagSet, u32)>,
) -> &'a mut Known {
    if known.as_ref().is_some_and(|known| known.from != *tags) {
        *known = None;
    }
    let known = known.get_or_insert_with(|| Known::of(tags, change));
    known.run = run;
    known
}

fn new_group(cx: &mut Cx<'_>, group: u32, change: impl Fn(&Group) -> Option<Group>) -> u32 {
    let old = cx.group(group);
    match change(&old) {
        None if cx.space_in == cx.space_out => group,
        changed => cx.spaces[cx.space_out].intern(changed.unwrap_or(old)),
    }
}
