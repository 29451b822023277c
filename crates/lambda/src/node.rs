//! The checked tree of a lambda: what the compiler makes and both evaluators read.

use crate::functions::Function;
use crate::types::Ty;
use model::Name;
use regex::Regex;
use std::sync::Arc;
use tick::ast::BinaryOp;

/// One expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Const(Const),
    /// A field or tag: the number of its name in the lambda's list of references, and the name.
    Ref(usize, Name),
    /// `"time"`: the point's own time.
    Time,
    Neg(Box<Node>),
    Not(Box<Node>),
    Binary(Box<Binary>),
    Call(Arc<Call>),
    /// A lambda within a lambda. Its stateful functions have slots of their own.
    Lambda(Box<Node>),
}

/// A literal.
#[derive(Clone, Debug)]
pub(crate) enum Const {
    Float(f64),
    Int(i64),
    Bool(bool),
    Str(Arc<str>),
    Duration(i64),
    /// Compiled, and as the script writes it: Go's syntax is translated for the engine.
    Regex(Regex, Arc<str>),
}

#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub op: BinaryOp,
    pub left: Node,
    pub right: Node,
    /// Its type, when the script alone decides it.
    pub constant: Option<Ty>,
    /// The types of the operands depend on the point, and are checked for each.
    pub checked: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub function: &'static Function,
    pub args: Vec<Node>,
    /// Of a stateful function: its slot in the lambda's state.
    pub slot: usize,
}

impl Const {
    pub(crate) fn ty(&self) -> Ty {
        match self {
            Const::Float(_) => Ty::Float,
            Const::Int(_) => Ty::Int,
            Const::Bool(_) => Ty::Bool,
            Const::Str(_) => Ty::Str,
            Const::Duration(_) => Ty::Duration,
            Const::Regex(..) => Ty::Regex,
        }
    }
}

impl Node {
    /// The type, when the script alone decides it. A comparison is a boolean whatever it compares.
    pub(crate) fn constant_type(&self) -> Option<Ty> {
        match self {
            Node::Const(constant) => Some(constant.ty()),
            Node::Not(_) => Some(Ty::Bool),
            Node::Neg(operand) | Node::Lambda(operand) => operand.constant_type(),
            Node::Binary(binary) => binary.constant,
            Node::Ref(..) | Node::Time | Node::Call(_) => None,
        }
    }

    /// The type can differ from point to point.
    pub(crate) fn is_dynamic(&self) -> bool {
        match self {
            Node::Const(_) | Node::Not(_) => false,
            Node::Ref(..) | Node::Time | Node::Call(_) => true,
            Node::Neg(operand) | Node::Lambda(operand) => operand.is_dynamic(),
            Node::Binary(binary) => binary.constant.is_none() && binary.checked,
        }
    }

    /// The reference that makes an expression missing: only signs and nested lambdas pass one on.
    pub(crate) fn reference(&self) -> Option<&Name> {
        match self {
            Node::Ref(_, name) => Some(name),
            Node::Neg(operand) | Node::Lambda(operand) => operand.reference(),
            _ => None,
        }
    }
}
