//! Walks a parsed template over data: text, branches, loops and calls of other templates.

use std::borrow::Cow;

use crate::ast::{Action, Arg, Branch, Call, Command, Node, Pipe, Pos, Tree};
use crate::error::Error;
use crate::format;
use crate::quote;
use crate::template::Limits;
use crate::value::Value;

/// Depth of nested blocks, calls, pipelines and arguments together. Go allows 100000 nested
/// templates on its growing stacks; ours are fixed.
pub(crate) const DEPTH_MAX: usize = 400;

/// The node in hand, for error texts.
#[derive(Clone, Copy)]
pub(crate) enum At<'r> {
    Action(&'r Action),
    Call(&'r Call),
    Pipe(&'r Pipe),
    Command(&'r Command),
    Arg(&'r Arg),
    Nowhere,
}

impl At<'_> {
    fn place(self) -> Option<(Pos, String)> {
        Some(match self {
            At::Action(node) => (node.pos, node.to_string()),
            At::Call(node) => (node.pos, node.to_string()),
            At::Pipe(node) => (node.pos, node.to_string()),
            At::Command(node) => (node.pos, node.to_string()),
            At::Arg(node) => (node.pos(), node.to_string()),
            At::Nowhere => return None,
        })
    }
}

/// How a list of nodes was left.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

pub(crate) type Run<T> = Result<T, Box<Error>>;

/// One rendering. `'r` is the life of template and data, `'o` that of the output.
pub(crate) struct State<'r, 'o> {
    pub source: &'r str,
    /// Name the source was parsed under.
    pub name: &'r str,
    pub trees: &'r [Tree],
    pub tree: &'r Tree,
    /// Whether `json` gives a safe string rather than a plain one.
    pub html: bool,
    pub out: &'o mut String,
    /// Length of the output at which rendering stops.
    pub out_max: usize,
    pub limits: Limits,
    pub steps: u64,
    pub depth: usize,
    pub at: At<'r>,
    /// Whether dot is an element of a list or map of anything, which Go's errors call an
    /// interface.
    pub boxed_dot: bool,
    /// Whether the operand evaluated last came so, too.
    pub boxed: bool,
    pub vars: Vec<Var<'r>>,
}

/// A variable in scope, by its name with the dollar.
pub(crate) struct Var<'r> {
    pub name: &'r str,
    pub value: Value<'r>,
    /// Whether it is an element of a list or map of anything.
    pub boxed: bool,
}

impl<'r> Var<'r> {
    fn new(name: &'r str, value: Value<'r>) -> Var<'r> {
        Var { name, value, boxed: false }
    }
}

impl<'r> State<'r, '_> {
    /// Renders `self.tree`.
    pub fn run(&mut self, data: Value<'r>) -> Run<()> {
        self.vars.push(Var::new("$", data.clone()));
        let tree = self.tree;
        self.list(&data, &tree.root).map(|_| ())
    }

    /// Fails at the node in hand, in Go's words.
    pub fn fail<T>(&self, message: impl std::fmt::Display) -> Run<T> {
        let Some((pos, context)) = self.at.place() else {
            let text = format!("template: {}: {message}", self.tree.name);
            return Err(Box::new(Error::Execute(text)));
        };
        let (line, column) = place(self.source, pos);
        let (name, tree) = (self.name, quote::quote(&self.tree.name));
        Err(Box::new(Error::Execute(format!(
            "template: {name}:{line}:{column}: executing {tree} at <{context}>: {message}"
        ))))
    }

    fn limit<T>(&self, limit: String) -> Run<T> {
        Err(Box::new(Error::Limit { name: self.name.to_owned(), limit }))
    }

    /// Counts work: one step for each node and each 64 bytes made.
    pub fn charge(&mut self, steps: usize) -> Run<()> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > self.limits.steps {
            return self.limit(format!("{} steps", self.limits.steps));
        }
        Ok(())
    }

    /// Counts a text made on the way, which may not be larger than the whole output may be.
    pub fn charge_text(&mut self, bytes: usize) -> Run<()> {
        if bytes > self.limits.output_bytes {
            return self.limit(format!("{} bytes of text", self.limits.output_bytes));
        }
        self.charge(bytes / 64)
    }

    /// A copy of a value. Copying borrowed text costs nothing; an owned one is counted.
    pub fn copy(&mut self, value: &Value<'r>) -> Run<Value<'r>> {
        if let Value::Str(Cow::Owned(text)) | Value::Safe(_, Cow::Owned(text)) = value {
            self.charge(text.len() / 64)?;
        }
        Ok(value.clone())
    }

    /// Runs `work` one level deeper.
    pub fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        if self.depth >= DEPTH_MAX {
            return self.fail(format_args!("exceeded maximum template depth ({DEPTH_MAX})"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    pub fn write(&mut self, text: &str) -> Run<()> {
        if self.out.len() + text.len() > self.out_max {
            return self.limit(format!("{} bytes of output", self.limits.output_bytes));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn list(&mut self, dot: &Value<'r>, nodes: &'r [Node]) -> Run<Flow> {
        for node in nodes {
            self.charge(1)?;
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: &Value<'r>, node: &'r Node) -> Run<Flow> {
        match node {
            Node::Text(text) => self.write(&text.text)?,
            Node::Action(action) => self.action(dot, action)?,
            Node::If(branch) => return self.deeper(|state| state.if_or_with(dot, branch, false)),
            Node::With(branch) => return self.deeper(|state| state.if_or_with(dot, branch, true)),
            Node::Range(branch) => return self.deeper(|state| state.range(dot, branch)),
            Node::Template(call) => {
                self.at = At::Call(call);
                self.deeper(|state| state.call_template(dot, call))?;
            }
            Node::Break(..) => return Ok(Flow::Break),
            Node::Continue(..) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, dot: &Value<'r>, action: &'r Action) -> Run<()> {
        self.at = At::Action(action);
        let value = self.pipeline(dot, &action.pipe)?;
        if !action.pipe.decl.is_empty() {
            return Ok(());
        }
        self.at = At::Action(action);
        match &value {
            Value::Nil => self.write("<no value>"),
            Value::Str(text) | Value::Safe(_, text) => self.write(text),
            value => {
                let text = format::print(std::slice::from_ref(value));
                self.charge_text(text.len())?;
                self.write(&text)
            }
        }
    }

    fn if_or_with(&mut self, dot: &Value<'r>, branch: &'r Branch, with: bool) -> Run<Flow> {
        let mark = self.vars.len();
        let flow = self.arms(dot, branch, with);
        self.vars.truncate(mark);
        flow
    }

    fn arms(&mut self, dot: &Value<'r>, branch: &'r Branch, with: bool) -> Run<Flow> {
        for arm in &branch.arms {
            self.charge(1)?;
            let value = self.pipeline(dot, &arm.pipe)?;
            if value.truth() {
                if !with {
                    return self.list(dot, &arm.body);
                }
                let boxed = std::mem::take(&mut self.boxed_dot);
                let flow = self.list(&value, &arm.body);
                self.boxed_dot = boxed;
                return flow;
            }
        }
        self.list(dot, &branch.otherwise)
    }

    fn range(&mut self, dot: &Value<'r>, branch: &'r Branch) -> Run<Flow> {
        let mark = self.vars.len();
        let flow = self.iterate(dot, branch);
        self.vars.truncate(mark);
        // break and continue concern this loop only.
        flow.map(|()| Flow::Next)
    }

    fn iterate(&mut self, dot: &Value<'r>, branch: &'r Branch) -> Run<()> {
        let Some(arm) = branch.arms.first() else {
            return Ok(());
        };
        let value = self.pipeline(dot, &arm.pipe)?;
        let mark = self.vars.len();
        let count = match &value {
            Value::Nil => 0,
            Value::List(span) => span.len(),
            Value::Map(map) => map.len(),
            Value::Int(_) | Value::Native(_) | Value::Byte(_) | Value::Duration(_) | Value::Named(..) => {
                if arm.pipe.decl.len() > 1 {
                    let text = format::print(std::slice::from_ref(&value));
                    return self
                        .fail(format_args!("can't use {text} to iterate over more than one variable"));
                }
                usize::try_from(value.integer().unwrap_or(0)).unwrap_or(0)
            }
            value => {
                let text = format::print(std::slice::from_ref(value));
                return self.fail(format_args!("range can't iterate over {text}"));
            }
        };
        if count == 0 {
            return self.list(dot, &branch.otherwise).map(|_| ());
        }
        let outer_boxed = self.boxed_dot;
        let boxed = value.holds_anything();
        for index in 0..count {
            self.charge(1)?;
            let position = index as i64;
            let (key, element) = match &value {
                Value::List(span) => (Value::Native(position), span.get(index)),
                Value::Map(map) => match map.entry(index) {
                    Some((key, element)) => (Value::from(key), Some(element)),
                    None => break,
                },
                // Below an integer, the integers of its type.
                Value::Int(_) => (Value::Nil, Some(Value::Int(position))),
                Value::Byte(_) => (Value::Nil, Some(Value::Byte(position as u8))),
                Value::Duration(_) => (Value::Nil, Some(Value::Duration(position))),
                Value::Named(named, _) => (Value::Nil, Some(Value::Named(named, position))),
                _ => (Value::Nil, Some(Value::Native(position))),
            };
            let element = element.unwrap_or(Value::Nil);
            self.set_loop_variables(&arm.pipe, key, &element, boxed)?;
            self.boxed_dot = boxed;
            let flow = self.list(&element, &arm.body)?;
            self.boxed_dot = outer_boxed;
            self.vars.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    /// One variable takes the element, two take key and element.
    fn set_loop_variables(
        &mut self,
        pipe: &'r Pipe,
        key: Value<'r>,
        element: &Value<'r>,
        boxed: bool,
    ) -> Run<()> {
        if let Some(last) = pipe.decl.last() {
            self.set_var(last, element.clone(), boxed)?;
        }
        if pipe.decl.len() > 1 {
            self.set_var(&pipe.decl[0], key, false)?;
        }
        Ok(())
    }

    fn set_var(&mut self, name: &str, value: Value<'r>, boxed: bool) -> Run<()> {
        match self.vars.iter_mut().rev().find(|var| var.name == name) {
            Some(var) => {
                (var.value, var.boxed) = (value, boxed);
                Ok(())
            }
            None => self.fail(format_args!("undefined variable: {name}")),
        }
    }

    fn call_template(&mut self, dot: &Value<'r>, call: &'r Call) -> Run<()> {
        let trees = self.trees;
        self.charge(trees.len() / 64)?;
        let Some(tree) = trees.iter().find(|tree| tree.name == call.name) else {
            let name = quote::quote(&call.name);
            return self.fail(format_args!("template {name} not defined"));
        };
        let data = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let outer = (
            std::mem::replace(&mut self.tree, tree),
            std::mem::take(&mut self.vars),
            std::mem::take(&mut self.boxed_dot),
        );
        self.vars.push(Var::new("$", data.clone()));
        let result = self.list(&data, &tree.root);
        if result.is_ok() {
            (self.tree, self.vars, self.boxed_dot) = outer;
        }
        result.map(|_| ())
    }

    /// Evaluates a pipeline; what it declares stays until the block ends.
    pub fn pipeline(&mut self, dot: &Value<'r>, pipe: &'r Pipe) -> Run<Value<'r>> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.cmds {
            value = Some(self.command(dot, command, value)?);
        }
        let value = value.unwrap_or(Value::Nil);
        for name in &pipe.decl {
            if pipe.assign {
                self.set_var(name, value.clone(), false)?;
            } else {
                self.vars.push(Var::new(name, value.clone()));
            }
        }
        // What a pipeline gives is never an interface.
        self.boxed = false;
        Ok(value)
    }
}

/// Line from 1 and column from 0, in bytes, of an offset.
pub(crate) fn place(source: &str, pos: Pos) -> (usize, usize) {
    let before = source.get(..pos).unwrap_or(source);
    let line = 1 + before.matches('\n').count();
    let column = before.rfind('\n').map_or(before.len(), |newline| before.len() - newline - 1);
    (line, column)
}
