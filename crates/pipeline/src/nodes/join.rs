//! `|join()`: puts points (or batches) of several parents that have the same rounded time together
//! into one. [`sets`] says when a set is complete or given up, [`on`] how less specific parents
//! meet more specific groups; [`stream`] and [`batch`] make the points.
//!
//! A barrier of a parent counts as its last time in the group. The end of a group drops what
//! waits in it; the end of the task sends on what waits, in order of time.
//!
//! A parent that falls silent keeps the others' points in the state. Of too much that waits the
//! oldest is given up ([`Limit`]), as if every parent had gone beyond it.

mod batch;
mod columns;
mod ends;
mod on;
mod sets;
mod stream;
#[cfg(test)]
mod tests;

use crate::args::{Args, Duration, Refused};
use crate::dimensions::go_round;
use crate::edge::{EdgeKind, Flow, Mark};
use crate::group::{Group, GroupBy};
use crate::merge::limit::Limit;
use crate::node::{AnyNode, Build, Cx, Definition, Kind};
use crate::properties;
use model::{Name, Origin, Time, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The kind.
pub static KIND: Kind = Kind {
    name: "join",
    stem: "join",
    go: "JoinNode",
    wants: None,
    provides: None,
    joins: true,
    grouped: true,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Join { delimiter: ".".into(), ..Join::default() }))
    },
    properties: properties!(Join {
        "as" => |d, a| d.names = a.rest(0)?,
        "on" => |d, a| d.on = a.rest(0)?,
        "delimiter" => |d, a| d.delimiter = a.set()?,
        "streamName" => |d, a| d.stream_name = a.set()?,
        "tolerance" => |d, a| d.tolerance = a.set::<Duration>()?.0,
        "fill" => |d, a| d.set_fill(a)?,
        "deleteAll" => |d, a| d.delete_all = a.set()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Join {
    names: Vec<String>,
    on: Vec<String>,
    delimiter: String,
    stream_name: String,
    /// Nanoseconds.
    tolerance: i64,
    fill: Fill,
    /// The end of a group at one parent resets the marks of all.
    delete_all: bool,
    /// The most that may wait; no property, but tests want to get there.
    limit: Limit,
}

/// What takes the place of a missing point's fields.
#[derive(Clone, Debug, Default, PartialEq)]
enum Fill {
    /// Nothing can: the whole set is dropped.
    #[default]
    Inner,
    /// This value, in fields named like those of the first point that is there.
    With(Value),
    /// The script asks for what there is not.
    Unknown(String),
}

impl Join {
    fn set_fill(&mut self, args: &Args<'_>) -> Result<(), Refused> {
        let [value] = args.values else {
            return args.set::<String>().map(drop);
        };
        self.fill = match value {
            tick::Value::Int(n) => Fill::With(Value::Int(*n)),
            tick::Value::Float(x) => Fill::With(Value::Float(*x)),
            tick::Value::String(text) => match &**text {
                "none" => Fill::Inner,
                "null" => Fill::With(Value::Null),
                other => Fill::Unknown(other.into()),
            },
            // Kapacitor takes anything else for 'none'.
            _ => Fill::Inner,
        };
        Ok(())
    }
}

/// The grouping of what comes out of a node with several parents: the finest of theirs, of equally
/// fine ones the first. Groups of the others are interned beside its own.
pub fn most_specific(parents: &[GroupBy]) -> GroupBy {
    let specificity = |by: &&GroupBy| if by.all { usize::MAX } else { by.tags.len() };
    // `max_by_key` would give the last of equal ones.
    parents.iter().rev().max_by_key(specificity).cloned().unwrap_or_default()
}

impl Definition for Join {
    fn validate(&self, parents: usize) -> Result<(), String> {
        if self.names.is_empty() {
            return Err("a call to join.as() is required to specify the output stream prefixes.".into());
        }
        if self.names.len() != parents {
            return Err(
                "number of prefixes specified by join.as() must match the number of joined streams".into()
            );
        }
        for name in &self.names {
            if name.is_empty() {
                return Err("must provide a prefix name for the join node, see .as() property method".into());
            }
            if !self.delimiter.is_empty() && name.contains(&self.delimiter) {
                // The tab is Kapacitor's.
                let delimiter = &self.delimiter;
                return Err(format!(
                    "cannot use name {name} as field prefix, it contains the delimiter {delimiter:?}\t"
                ));
            }
        }
        if self.names.iter().collect::<BTreeSet<_>>().len() < self.names.len() {
            return Err("cannot use the same prefix name see .as() property method".into());
        }
        Ok(())
    }

    fn group_by(&self, parents: &[GroupBy]) -> GroupBy {
        most_specific(parents)
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn meets_by(&self) -> Option<GroupBy> {
        (!self.on.is_empty()).then(|| {
            let tags: BTreeSet<Name> = self.on.iter().map(|tag| tag.as_str().into()).collect();
            GroupBy { tags: tags.into_iter().collect(), ..GroupBy::default() }
        })
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let fill = match &self.fill {
            Fill::Inner => None,
            Fill::With(value) => Some(value.clone()),
            Fill::Unknown(option) => return Err(format!("unexpected fill option {option}")),
        };
        let first = cx.parents.first().cloned().unwrap_or_default();
        let out = self.group_by(cx.parents);
        let empty = Name::from("");
        let rules = Rules {
            prefixes: self.names.iter().map(|name| format!("{name}{}", self.delimiter)).collect(),
            on: self.on.clone(),
            stream_name: (!self.stream_name.is_empty()).then(|| self.stream_name.as_str().into()),
            tolerance: self.tolerance,
            fill,
            delete_all: self.delete_all,
            limit: self.limit,
            elsewhere: cx.parents.iter().map(|by| (*by != first).then(|| by.clone())).collect(),
            goes_on: cx.parents.iter().map(|by| *by == out).collect(),
            by_name: cx.parents.iter().any(|by| by.by_name),
            empty,
        };
        Ok(match cx.edge {
            EdgeKind::Stream => Box::new(stream::OfStreams { rules }),
            EdgeKind::Batch => Box::new(batch::OfBatches { rules }),
        })
    }
}

/// What both operators go by.
struct Rules {
    /// Name and delimiter of each parent.
    prefixes: Vec<String>,
    /// The `on` tags as the script has them.
    on: Vec<String>,
    /// The name of what comes out, unless it is the first point's.
    stream_name: Option<Name>,
    tolerance: i64,
    /// `None`: an inner join.
    fill: Option<Value>,
    /// The end of a group at one parent resets the marks of all.
    delete_all: bool,
    /// The most that may wait.
    limit: Limit,
    /// The grouping of each parent whose groups are not the first one's. Groups are known here by
    /// the numbers that the first parent's space gives them, whoever brings them.
    elsewhere: Vec<Option<GroupBy>>,
    /// Of each parent, whether the output is grouped as it is: then its marks go on.
    goes_on: Vec<bool>,
    /// The measurement is part of some parent's groups.
    by_name: bool,
    /// Points that are joined come from no database.
    empty: Name,
}

impl Rules {
    fn sources(&self) -> usize {
        self.prefixes.len()
    }

    fn round(&self, time: Time) -> Time {
        go_round(time, self.tolerance)
    }

    /// The space of each parent's groups where it is not the first one's.
    fn spaces(&self, cx: &Cx<'_>, came: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        let space = |source: usize| {
            let by = self.elsewhere[source].as_ref().filter(|_| came(source))?;
            Some(cx.space_of(by))
        };
        (0..self.sources()).map(space).collect()
    }

    /// The number here of a group of a parent.
    fn group(&self, cx: &mut Cx<'_>, space: Option<usize>, group: u32) -> u32 {
        match space {
            None => group,
            Some(space) => {
                let group = cx.spaces[space].get(group);
                cx.spaces[cx.space_in].intern(group)
            }
        }
    }

    /// The group of `on` tags that a group belongs to, and whether the group is more specific.
    /// It is numbered like the others, which costs nothing if no point is in it.
    fn on_group(&self, cx: &mut Cx<'_>, of: &Group) -> (u32, bool) {
        let specific = of.tags.len() > self.on.len();
        let by = Group { tags: of.tags.project(&self.on), name: of.name.clone() };
        (cx.spaces[cx.space_in].intern(by), specific)
    }

    /// The output's group of what comes out under `name`: where the measurement is part of the
    /// group, a new name is a new group.
    fn out(&self, cx: &mut Cx<'_>, group: u32, name: &Name) -> u32 {
        if cx.space_in == cx.space_out && !self.by_name {
            return group;
        }
        let mut of = cx.spaces[cx.space_in].get(group);
        if let Some(old) = &mut of.name {
            *old = name.clone();
        }
        cx.spaces[cx.space_out].intern(of)
    }

    /// The marks of a parent as they go on, if the output has its groups.
    fn passed(&self, cx: &mut Cx<'_>, input: usize, mut marks: Vec<Mark>) -> Option<Flow> {
        if !self.goes_on[input] {
            return None;
        }
        if let Some(name) = self.stream_name.as_ref().filter(|_| self.by_name) {
            for mark in &mut marks {
                let (Mark::Barrier { group, .. } | Mark::Delete { group }) = mark;
                let of = cx.spaces[cx.space_out].get(*group);
                let own = of.name.as_ref().map(|_| name.clone());
                *group = cx.spaces[cx.space_out].intern(Group { name: own, ..of });
            }
        }
        Some(Flow::Marks(marks))
    }

    fn origin(&self, name: &Name) -> Arc<Origin> {
        Arc::new(Origin { db: self.empty.clone(), rp: self.empty.clone(), name: name.clone() })
    }
}
