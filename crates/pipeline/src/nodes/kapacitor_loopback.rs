//! `|kapacitorLoopback()`: writes points back into the server, for other tasks to read. Nothing can
//! follow it.

mod lines;
#[cfg(test)]
mod tests;

use crate::edge::Message;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node, Write};
use crate::properties;
use crate::state::States;
use model::{Name, Rows, TagSet};
use std::collections::BTreeMap;

/// The kind.
pub static KIND: Kind = Kind {
    name: "kapacitorLoopback",
    stem: "kapacitor_loopback",
    go: "KapacitorLoopbackNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Loopback::default()))
    },
    properties: properties!(Loopback {
        "database" => |d, a| d.database = a.set()?,
        "retentionPolicy" => |d, a| d.retention_policy = a.set()?,
        "measurement" => |d, a| d.measurement = a.set()?,
        "tag" => |d, a| {
            a.exactly(2)?;
            d.tags.insert(a.get(0)?, a.get(1)?)
        },
    }),
    counters: &["points_written"],
};

/// Place in [`Kind::counters`].
const POINTS_WRITTEN: usize = 0;

/// Bytes of lines in one write: a shard takes no entry beyond some megabytes.
const WRITE_BYTES: usize = 1 << 20;

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Loopback {
    database: String,
    retention_policy: String,
    measurement: String,
    tags: BTreeMap<String, String>,
}

/// Where a node writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node.
    pub node: Name,
    /// Database.
    pub db: Name,
    /// Retention policy.
    pub rp: Name,
    /// Measurement; `None` is that of each point.
    pub measurement: Option<Name>,
}

impl Loopback {
    /// Where it writes to.
    pub fn target(&self, node: &Name) -> Target {
        Target {
            node: node.clone(),
            db: self.database.as_str().into(),
            rp: self.retention_policy.as_str().into(),
            measurement: (!self.measurement.is_empty()).then(|| self.measurement.as_str().into()),
        }
    }
}

impl Definition for Loopback {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        if self.database.is_empty() {
            return Err("must specify a database".into());
        }
        if self.retention_policy.is_empty() {
            return Err("must specify a retention policy".into());
        }
        Ok(())
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let (db, rp) = (&self.database, &self.retention_policy);
        if cx.dbrps.iter().any(|(own, policy)| **own == **db && **policy == **rp) {
            let quoted = |name| tick::quote(name);
            return Err(format!("loop detected on dbrp: {}.{}", quoted(db), quoted(rp)));
        }
        Ok(Box::new(Operator {
            db: db.as_str().into(),
            rp: rp.as_str().into(),
            measurement: self.measurement.clone(),
            tags: self.tags.iter().map(|(tag, value)| (tag.clone(), value.clone())).collect(),
        }))
    }
}

struct Operator {
    db: Name,
    rp: Name,
    measurement: String,
    tags: Vec<(String, String)>,
}

impl Node for Operator {
    type State = ();

    fn feed(&self, cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => {}
            Message::Stream(run) => {
                self.write(cx, &run.rows, |row| run.rows.name(row));
            }
            Message::Batches(batches) => {
                for batch in &batches {
                    self.write(cx, &batch.rows, |_| &batch.origin.name);
                }
            }
        }
        Message::None
    }
}

impl Operator {
    fn write<'r>(&self, cx: &mut Cx<'_>, rows: &'r Rows, name: impl Fn(usize) -> &'r Name) {
        let mut lines = Vec::new();
        let mut written = 0;
        for row in 0..rows.len() {
            let name = if self.measurement.is_empty() { name(row) } else { self.measurement.as_str() };
            let tags = self.tags_of(rows.tags.get(row, cx.series));
            let before = lines.len();
            match lines::put(&mut lines, name, &tags, rows.values(row), rows.times[row]) {
                Ok(left_out) => {
                    written += 1;
                    if let Some(left_out) = left_out {
                        cx.error(1, || format!("failed to write a field over loopback: {left_out}"));
                    }
                }
                Err(why) => {
                    lines.truncate(before);
                    cx.error(1, || format!("failed to write point over loopback: {why}"));
                }
            }
            if lines.len() >= WRITE_BYTES {
                self.send(cx, std::mem::take(&mut lines));
            }
        }
        if !lines.is_empty() {
            self.send(cx, lines);
        }
        cx.stats.count(POINTS_WRITTEN, written);
    }

    fn tags_of(&self, tags: &TagSet) -> TagSet {
        if self.tags.is_empty() {
            return tags.clone();
        }
        let added = self.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str()));
        TagSet::new(tags.iter().chain(added))
    }

    fn send(&self, cx: &mut Cx<'_>, lines: Vec<u8>) {
        let identity = cx.next_identity();
        let (task, node, db, rp) = (cx.task.clone(), cx.name.clone(), self.db.clone(), self.rp.clone());
        cx.effects.writes.push(Write { identity, task, node, db, rp, lines });
    }
}
