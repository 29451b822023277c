//! Points that a function makes, gathered into columns.

use crate::edge::{Message, Run};
use model::{Column, Field, Name, Origin, OriginColumn, Rows, TagColumn, TagSet, Time, Value};
use std::sync::Arc;

/// Where and when a point is.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Its group.
    pub group: u32,
    /// Ordinal of the point that caused it.
    pub ordinal: u32,
    /// Its measurement.
    pub name: &'a Name,
    /// Its tags.
    pub tags: TagSet,
    /// Its time.
    pub time: Time,
}

/// The points so far.
#[derive(Debug, Default)]
pub struct Sent {
    groups: Vec<u32>,
    ordinals: Vec<u32>,
    /// The measurement of all points.
    name: Option<Name>,
    /// The measurement of each, once they have several.
    names: Vec<Name>,
    tags: Vec<TagSet>,
    times: Vec<Time>,
    /// Sorted by name; columns may end before the last point.
    fields: Vec<(Name, Column)>,
}

impl Sent {
    /// Adds a point with one field.
    pub fn push(&mut self, place: Place<'_>, field: &Name, value: Value) {
        self.push_field(field, value);
        self.push_place(place);
    }

    /// Adds a field to the point that [`Self::push_place`] then completes.
    pub fn push_field(&mut self, field: &Name, value: Value) {
        let before = self.times.len();
        let at = self.fields.iter().position(|(name, _)| Arc::ptr_eq(name, field) || name == field);
        let at = at.unwrap_or_else(|| {
            let at = self.fields.partition_point(|(name, _)| name < field);
            self.fields.insert(at, (field.clone(), Column::default()));
            at
        });
        let column = &mut self.fields[at].1;
        column.pad(before);
        column.push(value);
    }

    /// Completes a point.
    pub fn push_place(&mut self, place: Place<'_>) {
        self.push_name(place.name);
        self.groups.push(place.group);
        self.ordinals.push(place.ordinal);
        self.tags.push(place.tags);
        self.times.push(place.time);
    }

    fn push_name(&mut self, name: &Name) {
        match &self.name {
            None => self.name = Some(name.clone()),
            Some(one) if self.names.is_empty() => {
                if !Arc::ptr_eq(one, name) && one != name {
                    self.names = vec![one.clone(); self.times.len()];
                    self.names.push(name.clone());
                }
            }
            Some(_) => self.names.push(name.clone()),
        }
    }

    /// The latest time.
    pub fn latest(&self) -> Option<Time> {
        self.times.iter().copied().max()
    }

    /// The points as a run of a stream.
    pub fn into_message(mut self) -> Message {
        let Some(name) = self.name.take() else { return Message::None };
        let groups = std::mem::take(&mut self.groups);
        let ordinals = std::mem::take(&mut self.ordinals);
        let groups_end = groups.iter().max().map_or(0, |max| max + 1);
        let origins = origins(name, std::mem::take(&mut self.names));
        let mut rows = self.into_rows(origins);
        rows.ordinals = Arc::new(ordinals);
        Message::Stream(Run { rows, groups: Arc::new(groups), groups_end })
    }

    /// The points as rows of a batch.
    pub fn into_batch(self, origin: Arc<Origin>) -> Rows {
        self.into_rows(OriginColumn::One(origin))
    }

    fn into_rows(self, origins: OriginColumn) -> Rows {
        let len = self.times.len();
        let field = |(name, mut column): (Name, Column)| {
            column.pad(len);
            Field { name, column: Arc::new(column) }
        };
        Rows {
            origins,
            times: Arc::new(self.times),
            ordinals: Arc::default(),
            tags: TagColumn::Sets(Arc::new(self.tags)),
            fields: self.fields.into_iter().map(field).collect(),
        }
    }
}

/// What a function makes comes from no database.
pub fn nowhere(name: Name) -> Arc<Origin> {
    Arc::new(Origin { db: Name::from(""), rp: Name::from(""), name })
}

fn origins(first: Name, names: Vec<Name>) -> OriginColumn {
    let mut last = nowhere(first);
    if names.is_empty() {
        return OriginColumn::One(last);
    }
    let origin = |name: Name| {
        if name != last.name {
            last = nowhere(name);
        }
        last.clone()
    };
    OriginColumn::Many(Arc::new(names.into_iter().map(origin).collect()))
}
