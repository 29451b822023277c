//! From the syntax tree to the checked one: whatever the script alone decides is decided here.

use crate::error::EvalError;
use crate::functions::{Body, Function, functions, match_functions, matching};
use crate::node::{Binary, Call, Const, Node};
use crate::ops;
use crate::state::Stateful;
use model::Name;
use std::collections::BTreeMap;
use std::sync::Arc;
use tick::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use tick::{Diagnostic, MAX_HEIGHT, did_you_mean, quote};

/// The codes of the diagnostics of this crate.
pub mod codes {
    /// A function that does not exist is called.
    pub const NO_FUNCTION: &str = "L001";
    /// An operator does not take operands of these types.
    pub const OPERATOR: &str = "L002";
    /// A regular expression is not valid RE2.
    pub const REGEX: &str = "L003";
    /// An expression of this kind has no place in a lambda.
    pub const NOT_A_LAMBDA: &str = "L004";
    /// A match expression names something other than a level.
    pub const NO_IDENTIFIER: &str = "L005";
    /// The expression nests too deeply.
    pub const TOO_DEEP: &str = "L006";

    /// All codes with their meanings.
    pub const ALL: &[(&str, &str)] = &[
        (NO_FUNCTION, "A function that does not exist is called."),
        (OPERATOR, "An operator does not take operands of these types."),
        (REGEX, "A regular expression is not valid RE2."),
        (NOT_A_LAMBDA, "An expression of this kind has no place in a lambda."),
        (NO_IDENTIFIER, "A match expression names something other than a level."),
        (TOO_DEEP, "The expression nests too deeply."),
    ];
}

/// Which functions and names a lambda may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FunctionSet {
    /// Those of a task.
    #[default]
    Task,
    /// Those of a topic handler's match expression: also `changed()`, `level()`, `name()`,
    /// `taskName()`, `alertDuration()` and the levels. References are tags alone, and must exist.
    Match,
}

/// What compiling a tree gives.
pub(crate) struct Compiled {
    pub root: Node,
    /// Names of fields and tags, sorted.
    pub references: Arc<[Name]>,
    /// The same and `time`, if that is read.
    pub names: Arc<[Name]>,
    pub reads_time: bool,
    pub reads_now: bool,
    /// The stateful functions, one entry a slot.
    pub layout: Vec<Stateful>,
    /// Two calls share a slot, so their order within a point shows.
    pub shares_slots: bool,
}

/// Checks an expression whose variables are already replaced by their values.
pub(crate) fn compile(expr: &Expr, set: FunctionSet) -> Result<Compiled, Diagnostic> {
    let mut references = BTreeMap::new();
    collect(expr, set, 0, &mut references)?;
    for (number, slot) in references.values_mut().enumerate() {
        *slot = number;
    }
    let mut compiler = Compiler {
        set,
        references: &references,
        reads_time: false,
        reads_now: false,
        layout: Vec::new(),
        open: Vec::new(),
        shares_slots: false,
    };
    let root = compiler.node(expr)?;
    let sorted: Vec<Name> = references.keys().cloned().collect();
    let mut names = sorted.clone();
    if compiler.reads_time {
        names.push("time".into());
        names.sort();
    }
    Ok(Compiled {
        root,
        references: sorted.into(),
        names: names.into(),
        reads_time: compiler.reads_time,
        reads_now: compiler.reads_now,
        layout: compiler.layout,
        shares_slots: compiler.shares_slots,
    })
}

/// In a task, `"time"` is the point's time, never a field or tag.
fn is_time(set: FunctionSet, name: &str) -> bool {
    set == FunctionSet::Task && name == "time"
}

/// Finds the names of all references, and refuses what is too deep for the walks that follow.
fn collect(
    expr: &Expr,
    set: FunctionSet,
    depth: usize,
    found: &mut BTreeMap<Name, usize>,
) -> Result<(), Diagnostic> {
    if depth > MAX_HEIGHT {
        let message = format!("expression nests more than {MAX_HEIGHT} levels deep; split it into several");
        return Err(Diagnostic::plain(codes::TOO_DEEP, expr.span, message));
    }
    let mut below = |expr: &Expr| collect(expr, set, depth + 1, found);
    match &expr.kind {
        ExprKind::Reference(name) => {
            if !is_time(set, name) {
                found.insert(Name::from(name.as_str()), 0);
            }
            Ok(())
        }
        ExprKind::Unary { operand, .. } => below(operand),
        ExprKind::Binary { left, right, .. } => below(left).and_then(|()| below(right)),
        ExprKind::Call(call) => call.args.iter().try_for_each(below),
        ExprKind::Lambda(body) => below(body),
        _ => Ok(()),
    }
}

struct Compiler<'a> {
    set: FunctionSet,
    references: &'a BTreeMap<Name, usize>,
    reads_time: bool,
    reads_now: bool,
    layout: Vec<Stateful>,
    /// The slots of the lambda being compiled: a function that is called twice in one lambda has
    /// one memory, one in a nested lambda has another.
    open: Vec<(Stateful, usize)>,
    shares_slots: bool,
}

/// Puts the place of the mistake within the expression before its text, as Kapacitor does.
fn within<T>(place: impl std::fmt::Display, result: Result<T, Diagnostic>) -> Result<T, Diagnostic> {
    result.map_err(|mut diagnostic| {
        if diagnostic.code == codes::OPERATOR {
            diagnostic.message = format!("Failed to handle {place}: {}", diagnostic.message);
        }
        diagnostic
    })
}

impl Compiler<'_> {
    fn node(&mut self, expr: &Expr) -> Result<Node, Diagnostic> {
        Ok(match &expr.kind {
            ExprKind::Bool(v) => Node::Const(Const::Bool(*v)),
            ExprKind::Int { value, .. } => Node::Const(Const::Int(*value)),
            ExprKind::Float(v) => Node::Const(Const::Float(*v)),
            ExprKind::Duration { ns, .. } => Node::Const(Const::Duration(*ns)),
            ExprKind::String { value, .. } => Node::Const(Const::Str(value.as_str().into())),
            ExprKind::Regex(pattern) => Node::Const(Const::Regex(
                tick::re2::compile(pattern)
                    .map_err(|error| Diagnostic::plain(codes::REGEX, expr.span, error.to_string()))?,
                pattern.as_str().into(),
            )),
            ExprKind::Reference(name) => self.reference(name),
            ExprKind::Ident(name) => self.identifier(expr, name)?,
            ExprKind::Unary { op, operand } => {
                let operand = Box::new(within("node", self.node(operand))?);
                match op {
                    UnaryOp::Neg => Node::Neg(operand),
                    UnaryOp::Not => Node::Not(operand),
                }
            }
            ExprKind::Binary { op, left, right, .. } => self.binary(expr, *op, left, right)?,
            ExprKind::Call(call) => self.call(expr, call)?,
            ExprKind::Lambda(body) => self.lambda(body)?,
            ExprKind::Star => return Err(not_a_lambda(expr, "`*`")),
            ExprKind::List(_) => return Err(not_a_lambda(expr, "a list")),
            ExprKind::Chain { .. } => return Err(not_a_lambda(expr, "a chain of calls")),
        })
    }

    fn reference(&mut self, name: &str) -> Node {
        match self.references.get_key_value(name) {
            Some((name, &slot)) => Node::Ref(slot, name.clone()),
            // The one name that was not collected.
            None => {
                self.reads_time = true;
                Node::Time
            }
        }
    }

    fn identifier(&self, expr: &Expr, name: &str) -> Result<Node, Diagnostic> {
        let levels = matching::LEVELS.iter().filter(|_| self.set == FunctionSet::Match);
        match levels.clone().find(|(level, _)| *level == name) {
            Some((_, level)) => Ok(Node::Const(Const::Int(*level))),
            None => {
                let message = format!("unknown identifier {}", quote(name));
                let nearest = did_you_mean(name, levels.map(|(level, _)| *level));
                Err(Diagnostic::plain(codes::NO_IDENTIFIER, expr.span, message).with_suggestion(nearest))
            }
        }
    }

    fn binary(&mut self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) -> Result<Node, Diagnostic> {
        let left = within("left node", self.node(left))?;
        let right = within("right node", self.node(right))?;
        let types = (left.constant_type(), right.constant_type());
        let checked = left.is_dynamic() || right.is_dynamic();
        if !checked
            && let (Some(l), Some(r)) = types
            && ops::result(op, l, r).is_none()
        {
            let message = EvalError::mismatch(op, l, r).to_string();
            let diagnostic = Diagnostic::plain(codes::OPERATOR, expr.span, message);
            return Err(match quotes_hint(op, &left, &right) {
                Some(help) => diagnostic.with_help(help),
                None => diagnostic,
            });
        }
        let constant = match types {
            _ if !ops::is_math(op) => Some(crate::types::Ty::Bool),
            (Some(l), Some(r)) => ops::result(op, l, r),
            _ => None,
        };
        Ok(Node::Binary(Box::new(Binary { op, left, right, constant, checked })))
    }

    fn call(&mut self, expr: &Expr, call: &tick::ast::Call) -> Result<Node, Diagnostic> {
        let function = self.function(&call.name.name).ok_or_else(|| self.no_function(expr, call))?;
        let mut args = Vec::with_capacity(call.args.len());
        for (i, arg) in call.args.iter().enumerate() {
            args.push(within(format_args!("{} argument", i + 1), self.node(arg))?);
        }
        if function.name == "now" {
            self.reads_now = true;
        }
        let slot = match function.body {
            Body::Stateful(stateful) => self.slot(stateful),
            _ => 0,
        };
        Ok(Node::Call(Arc::new(Call { function, args, slot })))
    }

    fn available(&self) -> impl Iterator<Item = &'static Function> + use<> {
        functions().chain(match_functions().filter({
            let set = self.set;
            move |_| set == FunctionSet::Match
        }))
    }

    fn function(&self, name: &str) -> Option<&'static Function> {
        self.available().find(|function| function.name == name)
    }

    fn no_function(&self, expr: &Expr, call: &tick::ast::Call) -> Diagnostic {
        let name = &call.name.name;
        let nearest = did_you_mean(name, self.available().map(|function| function.name));
        Diagnostic::plain(codes::NO_FUNCTION, expr.span, format!("undefined function: {}", quote(name)))
            .with_suggestion(nearest)
    }

    fn slot(&mut self, stateful: Stateful) -> usize {
        if let Some((_, slot)) = self.open.iter().find(|(open, _)| *open == stateful) {
            self.shares_slots = true;
            return *slot;
        }
        let slot = self.layout.len();
        self.layout.push(stateful);
        self.open.push((stateful, slot));
        slot
    }

    fn lambda(&mut self, body: &Expr) -> Result<Node, Diagnostic> {
        let outer = std::mem::take(&mut self.open);
        let body = within("node", self.node(body));
        self.open = outer;
        Ok(Node::Lambda(Box::new(body?)))
    }
}

/// What a text beside something that is none most likely was meant to be.
fn quotes_hint(op: BinaryOp, left: &Node, right: &Node) -> Option<String> {
    let text = |node: &Node| match node {
        Node::Const(Const::Str(text)) => Some(text.clone()),
        _ => None,
    };
    match (op, text(left), text(right)) {
        (BinaryOp::Match | BinaryOp::NotMatch, _, Some(pattern)) => {
            Some(format!("write the pattern between slashes: /{}/", pattern.replace('/', "\\/")))
        }
        (_, Some(name), None) | (_, None, Some(name)) if could_be_a_field(&name) => {
            Some(format!("if '{name}' is a field or tag, write it in double quotes: \"{name}\""))
        }
        _ => None,
    }
}

/// Not a number in quotes, nor a sentence.
fn could_be_a_field(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || "_.-:".contains(c))
}

fn not_a_lambda(expr: &Expr, what: &str) -> Diagnostic {
    Diagnostic::plain(codes::NOT_A_LAMBDA, expr.span, format!("{what} cannot be part of a lambda expression"))
}
