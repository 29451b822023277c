//! The parsed template: nodes, pipelines and operands, each with its place in the source.

use std::fmt;

use crate::function::Function;

/// Byte offset in the source.
pub(crate) type Pos = usize;

/// One named template: the main one, or what `define` and `block` make.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub name: String,
    /// Where the body begins.
    pub pos: Pos,
    pub root: Vec<Node>,
}

/// A piece of a template's body.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Text),
    Action(Action),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Call),
    Break(Pos, usize),
    Continue(Pos, usize),
}

/// Literal text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub text: String,
}

/// `{{ pipeline }}`.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub pos: Pos,
    pub pipe: Pipe,
}

/// `if`, `with` or `range`. An `else if` is one more arm, so a long chain nests no deeper.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub pos: Pos,
    pub line: usize,
    pub arms: Vec<Arm>,
    pub otherwise: Vec<Node>,
}

/// One condition and its body.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub pipe: Pipe,
    pub body: Vec<Node>,
}

/// `{{ template "name" pipeline }}`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub pos: Pos,
    pub name: String,
    pub pipe: Option<Pipe>,
}

/// `$a, $b := command | command`.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub pos: Pos,
    pub decl: Vec<String>,
    pub assign: bool,
    pub cmds: Vec<Command>,
}

/// An operand and its arguments; never empty once parsed.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub pos: Pos,
    pub args: Vec<Arg>,
}

/// An operand.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Dot(Pos),
    Nil(Pos),
    Bool(Pos, bool),
    Number(Pos, Number),
    Str {
        pos: Pos,
        quoted: String,
        text: String,
    },
    Field(Pos, Vec<String>),
    /// `$x.A.B`: the variable's name, dollar included, then fields.
    Variable(Pos, Vec<String>),
    Function(Pos, Function),
    Chain(Pos, Box<Arg>, Vec<String>),
    Pipe(Box<Pipe>),
}

/// A numeric literal under every type that can hold it exactly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number {
    pub text: String,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
}

impl Arg {
    pub fn pos(&self) -> Pos {
        match self {
            Arg::Dot(pos)
            | Arg::Nil(pos)
            | Arg::Bool(pos, _)
            | Arg::Number(pos, _)
            | Arg::Str { pos, .. }
            | Arg::Field(pos, _)
            | Arg::Variable(pos, _)
            | Arg::Function(pos, _)
            | Arg::Chain(pos, _, _) => *pos,
            Arg::Pipe(pipe) => pipe.pos,
        }
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Dot(_) => f.write_str("."),
            Arg::Nil(_) => f.write_str("nil"),
            Arg::Bool(_, value) => write!(f, "{value}"),
            Arg::Number(_, number) => f.write_str(&number.text),
            Arg::Str { quoted, .. } => f.write_str(quoted),
            Arg::Field(_, idents) => idents.iter().try_for_each(|ident| write!(f, ".{ident}")),
            Arg::Variable(_, idents) => f.write_str(&idents.join(".")),
            Arg::Function(_, function) => f.write_str(function.name()),
            Arg::Chain(_, inner, fields) => {
                match &**inner {
                    Arg::Pipe(pipe) => write!(f, "({pipe})")?,
                    inner => write!(f, "{inner}")?,
                }
                fields.iter().try_for_each(|field| write!(f, ".{field}"))
            }
            Arg::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match arg {
                Arg::Pipe(pipe) => write!(f, "({pipe})")?,
                arg => write!(f, "{arg}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.decl.is_empty() {
            let sign = if self.assign { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.decl.join(", "))?;
        }
        for (index, command) in self.cmds.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{{}}}}}", self.pipe)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", crate::quote::quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
