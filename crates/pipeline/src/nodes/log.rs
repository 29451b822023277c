//! `|log()`: writes every point or batch to the server's log, in the form in which Kapacitor writes
//! them. Passes everything on.

use crate::edge::{Batch, Message, Run};
use crate::logfmt::pair;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, LogLevel, Node};
use crate::properties;
use crate::state::States;
use model::{Rows, TagSet, Time, Value};
use template::number::format_time_rfc3339nano;

/// The kind.
pub static KIND: Kind = Kind {
    name: "log",
    stem: "log",
    go: "LogNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Log { level: "INFO".into(), prefix: String::new() }))
    },
    properties: properties!(Log {
        "level" => |d, a| d.level = a.set()?,
        "prefix" => |d, a| d.prefix = a.set()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct Log {
    level: String,
    prefix: String,
}

impl Definition for Log {
    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        // An unknown level is INFO, as in Kapacitor.
        let level = match self.level.to_ascii_uppercase().as_str() {
            "DEBUG" => LogLevel::Debug,
            "WARN" => LogLevel::Warn,
            "ERROR" => LogLevel::Error,
            _ => LogLevel::Info,
        };
        Ok(Box::new(Operator { level, prefix: self.prefix.clone() }))
    }
}

struct Operator {
    level: LogLevel,
    prefix: String,
}

impl Node for Operator {
    type State = ();

    fn feed(&self, cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        match &inputs[0] {
            Message::None => {}
            Message::Stream(run) => {
                for row in 0..run.rows.len() {
                    let pairs = self.point(cx, run, row);
                    self.write(cx, "point", pairs);
                }
            }
            Message::Batches(batches) => {
                for batch in batches {
                    self.batch(cx, batch);
                }
            }
        }
        std::mem::take(&mut inputs[0])
    }
}

impl Operator {
    fn write(&self, cx: &mut Cx<'_>, message: &str, pairs: String) {
        let (task, node, message) = (cx.task.clone(), cx.name.clone(), message.to_owned());
        cx.effects.logs.push(crate::node::Log { level: self.level, task, node, message, pairs, points: 0 });
    }

    fn point(&self, cx: &Cx<'_>, run: &Run, row: usize) -> String {
        let origin = run.rows.origins.get(row);
        let group = cx.group(run.groups[row]);
        let mut text = self.open(&origin.name);
        pair(&mut text, "db", &origin.db);
        pair(&mut text, "rp", &origin.rp);
        pair(&mut text, "group", &group.id());
        empty(&mut text, group.tags.iter().next().is_none());
        for (i, (key, _)) in group.tags.iter().enumerate() {
            pair(&mut text, &format!("dimension_{i}"), key);
        }
        tags(&mut text, run.rows.tags.get(row, cx.series));
        fields(&mut text, &run.rows, row);
        text
    }

    fn batch(&self, cx: &mut Cx<'_>, batch: &Batch) {
        let group = cx.group(batch.group).id();
        let open = |own: &TagSet| {
            let mut text = self.open(&batch.origin.name);
            pair(&mut text, "group", &group);
            tags(&mut text, own);
            text
        };
        let frame = || {
            let mut text = open(&batch.tags);
            time(&mut text, batch.time);
            text
        };
        let point = |row: usize| {
            let mut text = open(batch.rows.tags.get(row, cx.series));
            fields(&mut text, &batch.rows, row);
            text
        };
        let points: Vec<String> = (0..batch.rows.len()).map(point).collect();
        let frame = frame();
        self.write(cx, "begin batch", frame.clone());
        points.into_iter().for_each(|pairs| self.write(cx, "batch point", pairs));
        self.write(cx, "end batch", frame);
    }

    fn open(&self, name: &str) -> String {
        let mut text = String::new();
        pair(&mut text, "prefix", &self.prefix);
        pair(&mut text, "name", name);
        text
    }
}

/// Kapacitor writes a group of pairs that is empty as an empty word.
fn empty(text: &mut String, is_empty: bool) {
    if is_empty {
        text.push(' ');
    }
}

fn tags(text: &mut String, tags: &TagSet) {
    empty(text, tags.is_empty());
    for (key, value) in tags {
        pair(text, &format!("tag_{key}"), value);
    }
}

fn fields(text: &mut String, rows: &Rows, row: usize) {
    empty(text, rows.values(row).next().is_none());
    for (name, value) in rows.values(row) {
        let value = match value {
            Value::Null => "<nil>".to_owned(),
            Value::Float(v) if v.is_infinite() => if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
            Value::Float(v) => v.to_string(),
            Value::Int(v) => v.to_string(),
            Value::Duration(v) => tick::duration::format_go(v),
            Value::Time(v) => rfc3339(v),
            Value::Bool(v) => v.to_string(),
            Value::Str(v) => v.to_string(),
        };
        pair(text, &format!("field_{name}"), &value);
    }
    time(text, rows.times[row]);
}

fn time(text: &mut String, time: Time) {
    pair(text, "time", &rfc3339(time));
}

fn rfc3339(time: Time) -> String {
    let mut text = Vec::new();
    format_time_rfc3339nano(&mut text, time);
    String::from_utf8(text).expect("digits and signs are text")
}
