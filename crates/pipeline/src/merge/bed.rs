//! For tests: a node without a pipeline around it. Points, batches and marks in, the same out.

use crate::edge::{Batch, EdgeKind, Flow, Mark, Message, Run};
use crate::group::{GroupBy, GroupTable};
use crate::node::{AnyNode, Build, Cx, Definition, Demand, Effects, Server, Turn};
use crate::state::AnyStates;
use crate::stats::NodeStats;
use crate::task::Restored;
use model::{
    Column, Field, Identity, Name, Origin, OriginColumn, Rows, SeriesTable, TagColumn, TagSet, Time, Value,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A point or a batch that is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// One bit for each parent that it reaches.
    pub parents: u8,
    /// Value of the tag `h`.
    pub h: u8,
    /// Value of the tag `c`; 0 is no such tag.
    pub c: u8,
    pub time: Time,
    /// One bit for each of the fields `v`, `w`, `vv`.
    pub fields: u8,
    /// Its number: the value of its fields.
    pub at: i64,
    /// Of a batch: times and fields of its points.
    pub rows: Vec<(Time, u8)>,
}

pub type Values = BTreeMap<String, Value>;

/// A point or a batch that comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Out {
    pub db: String,
    pub name: String,
    pub group: String,
    pub tags: TagSet,
    pub time: Time,
    /// A point has one row.
    pub rows: Vec<(Time, Values)>,
    /// Tags of each row.
    pub row_tags: Vec<TagSet>,
}

/// What comes out of a walk.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    Data(Out),
    /// Of a group, at a time.
    Barrier(String, Time),
    /// Of a group.
    Delete(String),
}

impl Written {
    pub fn reaches(&self, parent: usize) -> bool {
        self.parents >> parent & 1 == 1
    }

    pub fn name(&self) -> String {
        format!("m{}", self.parents)
    }

    pub fn tags(&self) -> TagSet {
        let tags = TagSet::new([("h", format!("h{}", self.h))]);
        if self.c == 0 { tags } else { tags.with("c", &format!("c{}", self.c)) }
    }

    pub fn values(&self, fields: u8, extra: i64) -> Values {
        let mut values = Values::new();
        let some = |bit: u8| fields >> bit & 1 == 1;
        let number = self.at + extra * 1000;
        if some(0) {
            values.insert("v".into(), Value::Int(number));
        }
        if some(1) {
            values.insert("w".into(), Value::str(&number.to_string()));
        }
        if some(2) {
            values.insert("vv".into(), Value::Float(number as f64));
        }
        values
    }

    pub fn origin(&self) -> Arc<Origin> {
        Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: self.name().into() })
    }
}

pub struct Bed {
    node: Box<dyn AnyNode>,
    states: Box<dyn AnyStates>,
    saved: BTreeMap<u32, Vec<u8>>,
    spaces: Vec<GroupTable>,
    /// The space of each parent.
    space_of: Vec<usize>,
    space_out: usize,
    edge: EdgeKind,
    stats: NodeStats,
    series: SeriesTable,
    logs: Vec<String>,
}

impl Bed {
    pub fn new(definition: &dyn Definition, parents: &[GroupBy], edge: EdgeKind) -> Bed {
        // A slot of a task that is gone has the default grouping: no node may take it for its own.
        let mut spaces: Vec<GroupTable> = vec![GroupTable::new(Default::default())];
        let mut space = |by: &GroupBy| {
            let found = spaces.iter().skip(1).position(|space| space.by == *by);
            found.map_or_else(
                || {
                    spaces.push(GroupTable::new(by.clone()));
                    spaces.len() - 1
                },
                |at| at + 1,
            )
        };
        let space_of: Vec<usize> = parents.iter().map(&mut space).collect();
        let space_out = space(&definition.group_by(parents));
        definition.validate(parents.len()).expect("a valid node");
        let build = Build {
            task: &"task".into(),
            name: "node3",
            edge,
            parents,
            below_source: false,
            demand: &Demand::All,
            server: &Server::default(),
            dbrps: &[],
        };
        let node = definition.build(&build).expect("a node that starts");
        Bed {
            states: node.states(),
            node,
            saved: BTreeMap::new(),
            spaces,
            space_of,
            space_out,
            edge,
            stats: NodeStats::new(0, 1),
            series: SeriesTable::default(),
            logs: Vec::new(),
        }
    }

    /// What the node has written to the server's log since this was last asked.
    pub fn take_logs(&mut self) -> Vec<String> {
        std::mem::take(&mut self.logs)
    }

    /// Points that the node could not use.
    pub fn errors(&self) -> u64 {
        self.stats.errors.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub fn save_and_load(&mut self) {
        self.states.save(&mut |chunk, bytes| drop(self.saved.insert(chunk, bytes)));
        self.states = self.node.states();
        for (chunk, bytes) in &self.saved {
            self.states.load(*chunk, bytes).expect("what was saved");
        }
    }

    /// Feeds one entry.
    pub fn feed(&mut self, entry: &[Written]) -> Vec<Out> {
        let mut inputs: Vec<Message> =
            (0..self.space_of.len()).map(|parent| self.input(parent, entry)).collect();
        let message = self.with(|node, cx, states| node.feed(cx, states, &mut inputs));
        self.out(message)
    }

    /// No point of the group that `written` is in will come from the parent before a time; without a
    /// time the group is over.
    pub fn mark(&mut self, parent: usize, written: &Written, barrier: Option<Time>) -> Vec<Sent> {
        let space = &mut self.spaces[self.space_of[parent]];
        let group = space.of_tags(&written.tags(), &written.origin());
        let mark = match barrier {
            Some(time) => Mark::Barrier { group, time },
            None => Mark::Delete { group },
        };
        self.turn(Turn::Mark(parent, vec![mark]))
    }

    /// Ticks, answers and the end.
    pub fn turn(&mut self, turn: Turn<'_>) -> Vec<Sent> {
        let flows = self.with(|node, cx, states| node.turn(cx, states, turn));
        let mut sent = Vec::new();
        for flow in flows {
            match flow {
                Flow::Data(message) => sent.extend(self.out(message).into_iter().map(Sent::Data)),
                Flow::Marks(marks) => sent.extend(marks.into_iter().map(|mark| {
                    let group = self.spaces[self.space_out].get(mark.group()).id();
                    match mark {
                        Mark::Barrier { time, .. } => Sent::Barrier(group, time),
                        Mark::Delete { .. } => Sent::Delete(group),
                    }
                })),
            }
        }
        sent
    }

    fn with<T>(&mut self, run: impl FnOnce(&dyn AnyNode, &mut Cx<'_>, &mut dyn AnyStates) -> T) -> T {
        let name: Name = "node3".into();
        let mut effects = Effects::default();
        let mut cx = Cx {
            series: &self.series,
            spaces: &mut self.spaces,
            space_in: self.space_of[0],
            space_out: self.space_out,
            now: 0,
            env: &lambda::Env::utc(0),
            identity: &mut Identity::default(),
            stats: &self.stats,
            task: &"task".into(),
            name: &name,
            effects: &mut effects,
            seen: &mut crate::seen::Seen::default(),
            restored: &Restored::default(),
            quiet: false,
        };
        let result = run(&*self.node, &mut cx, &mut *self.states);
        self.logs.extend(effects.logs.iter().map(|log| {
            let (message, pairs) = log.parts();
            format!("{message}{pairs}")
        }));
        result
    }

    fn input(&mut self, parent: usize, entry: &[Written]) -> Message {
        let mine: Vec<(u32, &Written)> =
            (0..).zip(entry).filter(|(_, written)| written.reaches(parent)).collect();
        if mine.is_empty() {
            return Message::None;
        }
        let space = &mut self.spaces[self.space_of[parent]];
        let group = |written: &Written| space.of_tags(&written.tags(), &written.origin());
        let groups: Vec<u32> = mine.iter().map(|(_, written)| *written).map(group).collect();
        match self.edge {
            EdgeKind::Stream => {
                let mut rows = rows(mine.iter().map(|(_, w)| (w.time, w.values(w.fields, 0))).collect());
                rows.ordinals = Arc::new(mine.iter().map(|(ordinal, _)| *ordinal).collect());
                rows.tags = TagColumn::Sets(Arc::new(mine.iter().map(|(_, w)| w.tags()).collect()));
                rows.origins = OriginColumn::Many(Arc::new(mine.iter().map(|(_, w)| w.origin()).collect()));
                let groups_end = groups.iter().max().map_or(0, |max| max + 1);
                Message::Stream(Run { rows, groups: Arc::new(groups), groups_end })
            }
            EdgeKind::Batch => {
                let batch = |(&(ordinal, w), group): (&(u32, &Written), u32)| {
                    let points = (0..).zip(&w.rows);
                    let points = points.map(|(at, (time, fields))| (*time, w.values(*fields, at)));
                    let mut rows = rows(points.collect());
                    rows.tags = TagColumn::Sets(Arc::new(vec![w.tags(); w.rows.len()]));
                    rows.origins = OriginColumn::One(w.origin());
                    let tags = self.spaces[self.space_of[parent]].get(group).tags;
                    Batch { group, ordinal, origin: w.origin(), tags, time: w.time, rows }
                };
                Message::Batches(mine.iter().zip(groups).map(batch).collect())
            }
        }
    }

    fn out(&self, message: Message) -> Vec<Out> {
        let group = |group: u32| self.spaces[self.space_out].get(group);
        match message {
            Message::None => Vec::new(),
            Message::Stream(run) => {
                assert!(run.rows.ordinals.is_sorted());
                assert!(run.rows.fields.is_sorted_by(|a, b| a.name < b.name));
                let point = |row: usize| {
                    let origin = run.rows.origins.get(row);
                    let tags = run.rows.tags.get(row, &self.series).clone();
                    Out {
                        db: origin.db.to_string(),
                        name: origin.name.to_string(),
                        group: group(run.groups[row]).id(),
                        tags: tags.clone(),
                        time: run.rows.times[row],
                        rows: vec![(run.rows.times[row], values(&run.rows, row))],
                        row_tags: vec![tags],
                    }
                };
                (0..run.rows.len()).map(point).collect()
            }
            Message::Batches(batches) => {
                assert!(batches.is_sorted_by_key(|batch| batch.ordinal));
                let tags = |batch: &Batch, row: usize| batch.rows.tags.get(row, &self.series).clone();
                let out = |batch: &Batch| Out {
                    db: batch.origin.db.to_string(),
                    name: batch.origin.name.to_string(),
                    group: group(batch.group).id(),
                    tags: batch.tags.clone(),
                    time: batch.time,
                    rows: (0..batch.rows.len())
                        .map(|row| (batch.rows.times[row], values(&batch.rows, row)))
                        .collect(),
                    row_tags: (0..batch.rows.len()).map(|row| tags(batch, row)).collect(),
                };
                batches.iter().map(out).collect()
            }
        }
    }
}

fn values(rows: &Rows, row: usize) -> Values {
    rows.values(row).map(|(name, value)| (name.to_string(), value)).collect()
}

fn rows(points: Vec<(Time, Values)>) -> Rows {
    let mut rows = Rows::empty(Arc::new(Origin { db: "".into(), rp: "".into(), name: "".into() }));
    let mut columns: BTreeMap<&String, Column> = BTreeMap::new();
    for (at, (_, values)) in points.iter().enumerate() {
        for (name, value) in values {
            let column = columns.entry(name).or_default();
            column.pad(at);
            column.push(value.clone());
        }
    }
    let field = |(name, mut column): (&String, Column)| {
        column.pad(points.len());
        Field { name: name.as_str().into(), column: Arc::new(column) }
    };
    rows.fields = columns.into_iter().map(field).collect();
    rows.tags = TagColumn::Sets(Arc::new(vec![TagSet::empty(); points.len()]));
    rows.times = Arc::new(points.iter().map(|(time, _)| *time).collect());
    rows
}
