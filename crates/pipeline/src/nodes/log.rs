//! `|log()`: writes every point or batch to the server's log. Passes everything on.

use crate::edge::{Batch, Message, Run};
use crate::node::{AnyNode, Build, Cx, Definition, Kind, LogLevel, Node};
use crate::properties;
use crate::state::States;
use model::{Rows, TagSet, Value};
use std::any::Any;
use std::fmt::Write;

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
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn as_any_ref(&self) -> &dyn Any {
        self
    }

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
                    let text = self.point(cx, run, row);
                    self.write(cx, text);
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
    fn write(&self, cx: &mut Cx<'_>, message: String) {
        let (task, node) = (cx.task.clone(), cx.name.clone());
        cx.effects.logs.push(crate::node::Log { level: self.level, task, node, message, points: 0 });
    }

    fn point(&self, cx: &Cx<'_>, run: &Run, row: usize) -> String {
        let origin = run.rows.origins.get(row);
        let group = cx.group(run.groups[row]);
        let mut text = format!(
            "point prefix={} name={} db={} rp={} group={}",
            self.prefix,
            origin.name,
            origin.db,
            origin.rp,
            group.id()
        );
        for (i, (key, _)) in group.tags.iter().enumerate() {
            let _ = write!(text, " dimension_{i}={key}");
        }
        tags(&mut text, run.rows.tags.get(row, cx.series));
        fields(&mut text, &run.rows, row);
        text
    }

    fn batch(&self, cx: &mut Cx<'_>, batch: &Batch) {
        let frame = |what: &str| {
            let mut text = format!(
                "{what} batch prefix={} name={} group={}",
                self.prefix,
                batch.origin.name,
                cx.group(batch.group).id()
            );
            tags(&mut text, &batch.tags);
            let _ = write!(text, " time={}", batch.time);
            text
        };
        let (begin, end) = (frame("begin"), frame("end"));
        let points = (0..batch.rows.len()).map(|row| {
            let mut text = format!("batch point prefix={} name={}", self.prefix, batch.origin.name);
            tags(&mut text, batch.rows.tags.get(row, cx.series));
            fields(&mut text, &batch.rows, row);
            text
        });
        for text in std::iter::once(begin).chain(points.collect::<Vec<_>>()).chain([end]) {
            self.write(cx, text);
        }
    }
}

fn tags(text: &mut String, tags: &TagSet) {
    for (key, value) in tags {
        let _ = write!(text, " tag_{key}={value}");
    }
}

fn fields(text: &mut String, rows: &Rows, row: usize) {
    for (name, value) in rows.values(row) {
        let _ = match value {
            Value::Null => write!(text, " field_{name}=null"),
            Value::Float(v) => write!(text, " field_{name}={v}"),
            Value::Int(v) | Value::Time(v) | Value::Duration(v) => write!(text, " field_{name}={v}"),
            Value::Bool(v) => write!(text, " field_{name}={v}"),
            Value::Str(v) => write!(text, " field_{name}={v:?}"),
        };
    }
    let _ = write!(text, " time={}", rows.times[row]);
}
