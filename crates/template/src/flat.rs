//! The fast path: a template of literal text, fields, `index .Map "key"` and `json .` is a flat
//! loop.
//!
//! Anything else, and anything unexpected while rendering (a missing field, an odd type), is left
//! to the evaluator, which knows Go's errors. The two must print the same.

use crate::ast::{Action, Arg, Command, Node};
use crate::function::Function;
use crate::html::{self, Escaper};
use crate::number;
use crate::value::{Element, Encoded, Object, Value};

/// A compiled template.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    steps: Box<[Step]>,
}

#[derive(Clone, Debug)]
struct Step {
    /// Whether the value is escaped for HTML text.
    html: bool,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Text(Box<str>),
    Field(Box<str>),
    /// `.ServerInfo.Hostname`, `.Tags.host`
    Inner(Box<str>, Box<str>),
    /// `index .Tags "host"`
    Index(Box<str>, Box<str>),
    /// `json .` or `jsonCompact .`, and what ends the text.
    Json(&'static str),
}

impl Flat {
    /// Compiles a body, if it is simple enough.
    pub fn compile(nodes: &[Node]) -> Option<Flat> {
        let steps: Option<Vec<Step>> = nodes
            .iter()
            .map(|node| match node {
                Node::Text(text) => {
                    let what = What::Text(text.text.as_str().into());
                    Some(Step { html: false, what })
                }
                Node::Action(action) => action_step(action),
                _ => None,
            })
            .collect();
        Some(Flat { steps: steps?.into_boxed_slice() })
    }

    /// Renders; false when the evaluator must take over (what was appended is then void).
    #[inline]
    pub fn render(&self, data: &dyn Object, out: &mut String, out_max: usize) -> bool {
        for step in &*self.steps {
            let done = match &step.what {
                What::Text(text) => {
                    out.push_str(text);
                    true
                }
                What::Field(name) => match data.field(name) {
                    Some(value) => put(out, &value, step.html),
                    None => false,
                },
                What::Inner(name, inner) => match data.field(name) {
                    Some(Value::Object(object)) => match object.field(inner) {
                        Some(value) => put(out, &value, step.html),
                        None => false,
                    },
                    Some(Value::Map(map)) => match map.get(inner) {
                        Some(value) => put(out, &value, step.html),
                        None => false,
                    },
                    _ => false,
                },
                What::Index(name, key) => match data.field(name) {
                    Some(Value::Map(map)) => match map.get(key) {
                        Some(value) => put(out, &value, step.html),
                        None => map.element() == Element::Text,
                    },
                    _ => false,
                },
                What::Json(end) => put_json(out, data, step.html, end),
            };
            if !done || out.len() > out_max {
                return false;
            }
        }
        true
    }
}

fn action_step(action: &Action) -> Option<Step> {
    if !action.pipe.decl.is_empty() {
        return None;
    }
    let (command, html) = match &*action.pipe.cmds {
        [command] => (command, false),
        [command, escape] if is_html_text(escape) => (command, true),
        _ => return None,
    };
    let what = match &*command.args {
        [Arg::Field(_, idents)] => match &**idents {
            [name] => What::Field(name.as_str().into()),
            [name, inner] => What::Inner(name.as_str().into(), inner.as_str().into()),
            _ => return None,
        },
        [Arg::Function(_, Function::Index), Arg::Field(_, idents), Arg::Str { text, .. }] => {
            match &**idents {
                [name] => What::Index(name.as_str().into(), text.as_str().into()),
                _ => return None,
            }
        }
        [Arg::Function(_, Function::Json), Arg::Dot(_)] => What::Json("\n"),
        [Arg::Function(_, Function::JsonCompact), Arg::Dot(_)] => What::Json(""),
        _ => return None,
    };
    Some(Step { html, what })
}

fn is_html_text(command: &Command) -> bool {
    let escape = Function::Escape(Escaper::Html);
    matches!(&*command.args, [Arg::Function(_, function)] if *function == escape)
}

/// Only for an object that writes its own JSON: the others, and their errors, are the evaluator's.
fn put_json(out: &mut String, data: &dyn Object, html: bool, end: &str) -> bool {
    let encoded = if html { data.json_in_html(out) } else { data.json(out) };
    out.push_str(end);
    encoded == Encoded::Written
}

#[inline]
fn put(out: &mut String, value: &Value<'_>, html: bool) -> bool {
    match value {
        Value::Str(text) if html => html::put_text(out, text),
        Value::Str(text) => out.push_str(text),
        Value::Int(number) | Value::Native(number) => number::format_int(out, *number),
        Value::Duration(nanos) => number::format_duration(out, *nanos),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Float(number) => {
            let start = out.len();
            number::format_float_g(out, *number);
            escape_plus(out, start, html);
        }
        Value::Time(time) => {
            let start = out.len();
            time.put_string(out);
            escape_plus(out, start, html);
        }
        _ => return false,
    }
    true
}

/// Escapes the plus sign of an exponent, infinity or offset: the only one a number or time has,
/// and the only character HTML escapes.
fn escape_plus(out: &mut String, start: usize, html: bool) {
    if html && let Some(at) = out[start..].find('+') {
        out.replace_range(start + at..=start + at, "&#43;");
    }
}
