//! `|default()`: gives fields and tags that a point lacks a value.

use crate::edge::{Batch, Message};
use crate::group::Group;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use model::{Column, Data, Name, Rows, TagSet, Value};
use retag::Memory;
use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
pub(crate) mod bed;
pub(crate) mod retag;
#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "default",
    stem: "default",
    go: "DefaultNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Defaults::default()))
    },
    properties: properties!(Defaults {
        "field" => |d, a| {
            a.exactly(2)?;
            d.fields.insert(a.get(0)?, a.values[1].clone())
        },
        "tag" => |d, a| {
            a.exactly(2)?;
            d.tags.insert(a.get(0)?, a.get(1)?)
        },
    }),
    counters: &["fields_defaulted", "tags_defaulted"],
};

/// Places in [`Kind::counters`].
const FIELDS_DEFAULTED: usize = 0;
const TAGS_DEFAULTED: usize = 1;

/// The definition: of a name that is given twice the last value counts.
#[derive(Debug, Default)]
pub struct Defaults {
    fields: BTreeMap<String, tick::Value>,
    tags: BTreeMap<String, String>,
}

/// A value of the script as one of a field, where there is such a one.
pub(crate) fn field_value(value: &tick::Value) -> Option<Value> {
    Some(match value {
        tick::Value::Float(v) => Value::Float(*v),
        tick::Value::Int(v) => Value::Int(*v),
        tick::Value::Bool(v) => Value::Bool(*v),
        tick::Value::String(v) => Value::str(v),
        _ => return None,
    })
}

/// Refuses default values that no field can have, `as_field` being what makes one of them.
pub(crate) fn check_fields(
    fields: &BTreeMap<String, tick::Value>,
    as_field: fn(&tick::Value) -> Option<Value>,
) -> Result<(), String> {
    match fields.iter().find(|(_, value)| as_field(value).is_none()) {
        None => Ok(()),
        Some((field, value)) => Err(format!(
            "unsupported type {} for field {}, field default values must be float,int,string or bool",
            value.go_type(),
            tick::quote(field)
        )),
    }
}

impl Definition for Defaults {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        check_fields(&self.fields, field_value)
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn changes_tags(&self) -> Vec<String> {
        self.tags.keys().cloned().collect()
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let field =
            |(name, value): (&String, &tick::Value)| Some((name.as_str().into(), field_value(value)?));
        Ok(Box::new(Operator {
            fields: self.fields.iter().filter_map(field).collect(),
            tags: self.tags.iter().map(|(tag, value)| (tag.clone(), value.clone())).collect(),
        }))
    }
}

struct Operator {
    /// Sorted by name, as the tags.
    fields: Vec<(Name, Value)>,
    tags: Vec<(String, String)>,
}

impl Node for Operator {
    /// One state for all: what it has worked out of series.
    type State = Memory;

    const BY_GROUP: bool = false;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(mut run) => {
                self.fill(cx, states, &mut run.rows);
                if !self.tags.is_empty() {
                    states.get(0).regroup(cx, &mut run, |group| self.group(group));
                }
                Message::Stream(run)
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    self.fill(cx, states, &mut batch.rows);
                    self.begin(cx, batch);
                }
                Message::Batches(batches)
            }
        }
    }
}

impl Operator {
    fn fill(&self, cx: &Cx<'_>, states: &mut States<Memory>, rows: &mut Rows) {
        if rows.is_empty() {
            return;
        }
        let mut filled = 0;
        for (name, value) in &self.fields {
            let column = match rows.column(name) {
                None => Some((constant(value, rows.len()), rows.len() as u64)),
                Some(column) => fill(column, value),
            };
            if let Some((column, more)) = column {
                rows.set_field(name.clone(), Arc::new(column));
                filled += more;
            }
        }
        cx.stats.count(FIELDS_DEFAULTED, filled);
        if !self.tags.is_empty()
            && let Some((tags, changes)) = states.get(0).retag(rows, cx.series, |tags| self.tags_of(tags))
        {
            rows.tags = tags;
            cx.stats.count(TAGS_DEFAULTED, changes);
        }
    }

    /// The tags with what they lack, and how many those are; `None` when they lack nothing. An empty
    /// value is none.
    fn tags_of(&self, tags: &TagSet) -> Option<(TagSet, u32)> {
        let lacking = |(tag, _): &&(String, String)| tags.get(tag).unwrap_or_default().is_empty();
        let more: Vec<&(String, String)> = self.tags.iter().filter(lacking).collect();
        if more.is_empty() {
            return None;
        }
        let added = more.iter().map(|(tag, value)| (tag.as_str(), value.as_str()));
        Some((TagSet::new(tags.iter().chain(added)), more.len() as u32))
    }

    /// The group of points with these group-by tags, where that is another one.
    fn group(&self, group: &Group) -> Option<Group> {
        let given = |key: &str| self.tags.iter().find(|(tag, _)| tag == key);
        let lacking = |(key, value): (&str, &str)| value.is_empty() && given(key).is_some();
        if !group.tags.iter().any(lacking) {
            return None;
        }
        let with = group.tags.iter().map(|(key, value)| match given(key) {
            Some((_, given)) if value.is_empty() => (key, given.as_str()),
            _ => (key, value),
        });
        Some(Group { tags: TagSet::new(with), name: group.name.clone() })
    }

    /// The tags of a batch are those it is grouped by: a tag that is added is one more of these.
    fn begin(&self, cx: &mut Cx<'_>, batch: &mut Batch) {
        // Kapacitor looks for the fields in the head of a batch too, where there never are any.
        cx.stats.count(FIELDS_DEFAULTED, self.fields.len() as u64);
        let Some((tags, changes)) = self.tags_of(&batch.tags) else { return };
        cx.stats.count(TAGS_DEFAULTED, u64::from(changes));
        let name = cx.group(batch.group).name;
        batch.group = cx.spaces[cx.space_out].intern(Group { tags: tags.clone(), name });
        batch.tags = tags;
    }
}

/// A column of one value.
fn constant(value: &Value, len: usize) -> Column {
    match *value {
        Value::Float(v) => Column::from(vec![v; len]),
        Value::Int(v) => Column::from(vec![v; len]),
        Value::Bool(v) => Column::from(vec![v; len]),
        _ => {
            let mut column = Column::default();
            (0..len).for_each(|_| column.push(value.clone()));
            column
        }
    }
}

/// The column with the value wherever it has none or null, and how many those are; `None` for none.
fn fill(column: &Column, value: &Value) -> Option<(Column, u64)> {
    let len = column.len();
    let missing = (len - column.mask.count()) as u64;
    match (&column.data, value) {
        (Data::Mixed(_), _) => {}
        _ if missing == 0 => return None,
        (Data::Float(values), &Value::Float(value)) => {
            return Some((spread(values, column, value).into(), missing));
        }
        (Data::Int(values), &Value::Int(value)) => {
            return Some((spread(values, column, value).into(), missing));
        }
        (Data::Bool(values), &Value::Bool(value)) => {
            return Some((spread(values, column, value).into(), missing));
        }
        _ => {}
    }
    let (mut filled, mut out) = (0, Column::default());
    for row in 0..len {
        match column.get(row) {
            None | Some(Value::Null) => {
                filled += 1;
                out.push(value.clone());
            }
            Some(own) => out.push(own),
        }
    }
    (filled > 0).then_some((out, filled))
}

fn spread<T: Copy>(values: &[T], column: &Column, value: T) -> Vec<T> {
    let own = |(row, own): (usize, &T)| if column.mask.get(row) { *own } else { value };
    values.iter().enumerate().map(own).collect()
}
