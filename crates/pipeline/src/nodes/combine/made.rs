//! The combined points: by lambda the rows that they are made of, gathered column by column.

use super::Due;
use crate::edge::{Message, Run};
use crate::merge::gather_all;
use crate::node::Cx;
use model::{Field, Name, Origin, OriginColumn, Rows, SeriesTable, TagColumn, TagSet, Time};
use std::sync::Arc;

/// The combined points.
pub struct Made<'a> {
    points: &'a Rows,
    prefixes: &'a [String],
    /// By lambda, the row of each combined point.
    rows: Vec<Vec<u32>>,
    /// Tags of the rows as they are called behind each lambda, once they are asked for.
    tags: Vec<Vec<Option<Renamed>>>,
    groups: Vec<u32>,
    times: Vec<Time>,
    ordinals: Vec<u32>,
    names: Vec<Name>,
    sets: Vec<TagSet>,
}

/// Tags that do not belong to the group, under their new names.
type Renamed = Vec<(String, String)>;

impl<'a> Made<'a> {
    /// None yet, of these points.
    pub fn new(points: &'a Rows, prefixes: &'a [String]) -> Made<'a> {
        Made {
            points,
            prefixes,
            rows: vec![Vec::new(); prefixes.len()],
            tags: vec![Vec::new(); prefixes.len()],
            groups: Vec::new(),
            times: Vec::new(),
            ordinals: Vec::new(),
            names: Vec::new(),
            sets: Vec::new(),
        }
    }

    /// Adds the combination of some points of a set, one a lambda.
    pub fn push(&mut self, cx: &Cx<'_>, due: &Due, chosen: &[usize]) {
        let group = cx.group(due.group).tags;
        for (lambda, &point) in chosen.iter().enumerate() {
            let row = due.from + point;
            self.rows[lambda].push(row as u32);
            let known = &mut self.tags[lambda];
            if known.len() <= row {
                known.resize(row + 1, None);
            }
            if known[row].is_none() {
                let own = self.points.tags.get(row, cx.series).iter();
                let own = own.filter(|(key, _)| group.get(key).is_none());
                let prefix = &self.prefixes[lambda];
                known[row] =
                    Some(own.map(|(key, value)| ([prefix, key].concat(), value.to_owned())).collect());
            }
        }
        let renamed = chosen.iter().enumerate().flat_map(|(lambda, &point)| {
            let tags = self.tags[lambda][due.from + point].iter().flatten();
            tags.map(|(key, value)| (key.as_str(), value.as_str()))
        });
        // A tag that the points lack is empty in the group only.
        let has = |key: &str| {
            let tags = |&point: &usize| self.points.tags.get(due.from + point, cx.series);
            chosen.iter().any(|point| tags(point).get(key).is_some())
        };
        let own = group.iter().filter(|(key, value)| !value.is_empty() || has(key));
        // The group's own come last: of equal names they count.
        self.sets.push(TagSet::new(renamed.chain(own)));
        self.groups.push(due.group);
        self.times.push(due.time);
        self.ordinals.push(due.ordinal);
        self.names.push(due.name.clone());
    }

    /// The points as a message.
    pub fn finish(self, points: &Rows) -> Message {
        let Some(first) = self.names.first() else { return Message::None };
        let empty = Name::from("");
        let origin =
            |name: &Name| Arc::new(Origin { db: empty.clone(), rp: empty.clone(), name: name.clone() });
        let origins = match self.names.iter().all(|name| name == first) {
            true => OriginColumn::One(origin(first)),
            false => OriginColumn::Many(Arc::new(self.names.iter().map(origin).collect())),
        };
        let mut fields: Vec<Field> = Vec::new();
        for (prefix, rows) in self.prefixes.iter().zip(&self.rows) {
            for field in &points.fields {
                let column = field.column.gather(rows);
                if column.mask.count() > 0 {
                    let name = [prefix, &*field.name].concat();
                    fields.push(Field { name: name.into(), column: Arc::new(column) });
                }
            }
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let groups_end = self.groups.iter().max().map_or(0, |max| max + 1);
        let rows = Rows {
            origins,
            times: Arc::new(self.times),
            ordinals: Arc::new(self.ordinals),
            tags: TagColumn::Sets(Arc::new(self.sets)),
            fields,
        };
        Message::Stream(Run { rows, groups: Arc::new(self.groups), groups_end })
    }
}

/// The messages of several batches as one.
pub fn joined(parts: Vec<Message>, series: &SeriesTable) -> Message {
    let mut runs: Vec<Run> = Vec::new();
    for part in parts {
        if let Message::Stream(run) = part {
            runs.push(run);
        }
    }
    if runs.len() < 2 {
        return runs.pop().map_or(Message::None, Message::Stream);
    }
    let parts: Vec<&Rows> = runs.iter().map(|run| &run.rows).collect();
    let rows = gather_all(&parts, series);
    let groups = runs.iter().flat_map(|run| run.groups.iter().copied()).collect();
    let groups_end = runs.iter().map(|run| run.groups_end).max().unwrap_or(0);
    Message::Stream(Run { rows, groups: Arc::new(groups), groups_end })
}
