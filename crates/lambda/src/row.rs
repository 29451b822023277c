//! The plain evaluator: walks the tree for one point. The columnar one must agree with it.

use crate::error::{CallError, EvalError};
use crate::functions::{Body, MAX_ARGS};
use crate::infer::{self, Types, check_bool, operand_types};
use crate::node::{Binary, Call, Const, Node};
use crate::ops;
use crate::scope::{Env, Lookup, MatchCall};
use crate::state::{Slot, State, Stateful};
use crate::types::{Ty, Val};
use model::{Name, Time};
use std::borrow::Cow;
use std::sync::Arc;
use tick::ast::BinaryOp;

/// A point, its names already resolved to the numbers of the lambda's references.
pub(crate) trait Point {
    fn get(&self, slot: usize) -> Lookup<'_>;
    fn time(&self) -> Time;
    fn call(&self, call: MatchCall) -> Lookup<'_>;
}

/// One evaluation of one lambda.
pub(crate) struct Evaluation<'a> {
    pub point: &'a dyn Point,
    pub env: &'a Env,
    pub names: &'a Arc<[Name]>,
    pub layout: &'a [Stateful],
}

impl Types for Evaluation<'_> {
    fn ty(&self, slot: usize) -> Option<Ty> {
        match self.point.get(slot) {
            // Ambiguous names are refused before anything is worked out.
            Lookup::Null | Lookup::Ambiguous => None,
            Lookup::Missing => Some(Ty::Missing),
            Lookup::Float(_) => Some(Ty::Float),
            Lookup::Int(_) => Some(Ty::Int),
            Lookup::Bool(_) => Some(Ty::Bool),
            Lookup::Str(_) => Some(Ty::Str),
            Lookup::Time(_) => Some(Ty::Time),
            Lookup::Duration(_) => Some(Ty::Duration),
        }
    }

    fn names(&self) -> &Arc<[Name]> {
        self.names
    }
}

fn value(lookup: Lookup<'_>) -> Option<Val<'_>> {
    Some(match lookup {
        Lookup::Null | Lookup::Ambiguous => return None,
        Lookup::Missing => Val::Missing,
        Lookup::Float(v) => Val::Float(v),
        Lookup::Int(v) => Val::Int(v),
        Lookup::Bool(v) => Val::Bool(v),
        Lookup::Str(v) => Val::Str(Cow::Borrowed(v)),
        Lookup::Time(v) => Val::Time(v),
        Lookup::Duration(v) => Val::Duration(v),
    })
}

impl<'a> Evaluation<'a> {
    /// The value of a whole expression.
    pub(crate) fn value(&self, root: &'a Node, state: &mut State) -> Result<Val<'a>, EvalError> {
        infer::check_value(root, self)?;
        self.run(root, state)
    }

    /// The truth of a whole expression. `checked` is the check of all types that precedes it
    /// everywhere but in match expressions.
    pub(crate) fn truth(&self, root: &'a Node, checked: bool, state: &mut State) -> Result<bool, EvalError> {
        if checked {
            infer::type_of(root, self)?;
        }
        self.boolean(root, state)
    }

    fn boolean(&self, node: &'a Node, state: &mut State) -> Result<bool, EvalError> {
        check_bool(node, self)?;
        match self.run(node, state)? {
            Val::Bool(v) => Ok(v),
            other => Err(EvalError::TypeGuard { actual: Some(other.ty()), expected: Ty::Bool }),
        }
    }

    /// The value of an expression whose type is known to be right for its place.
    fn run(&self, node: &'a Node, state: &mut State) -> Result<Val<'a>, EvalError> {
        match node {
            Node::Const(constant) => Ok(literal(constant)),
            Node::Ref(slot, name) => {
                value(self.point.get(*slot)).ok_or_else(|| EvalError::Null(name.clone()))
            }
            Node::Time => Ok(Val::Time(self.point.time())),
            Node::Not(operand) => self.boolean(operand, state).map(|v| Val::Bool(!v)),
            Node::Neg(operand) => {
                infer::check_sign(node, infer::type_of(operand, self)?)?;
                Ok(negate(self.run(operand, state)?))
            }
            Node::Lambda(body) => match infer::type_of(body, self)? {
                Ty::Bool => self.boolean(body, state).map(Val::Bool),
                _ => self.run(body, state),
            },
            Node::Binary(binary) => self.binary(binary, state),
            Node::Call(call) => self.call(call, state),
        }
    }

    fn binary(&self, binary: &'a Binary, state: &mut State) -> Result<Val<'a>, EvalError> {
        if binary.checked && !ops::is_math(binary.op) {
            operand_types(binary, self)?;
        }
        match binary.op {
            BinaryOp::And | BinaryOp::Or => {
                let left = self.boolean(&binary.left, state)?;
                if left == (binary.op == BinaryOp::Or) {
                    return Ok(Val::Bool(left));
                }
                self.boolean(&binary.right, state).map(Val::Bool)
            }
            op => {
                let left = self.run(&binary.left, state)?;
                let right = self.run(&binary.right, state)?;
                ops::apply(op, left, right)
            }
        }
    }

    fn call(&self, call: &'a Call, state: &mut State) -> Result<Val<'a>, EvalError> {
        let mut args: [Val<'a>; MAX_ARGS] = [const { Val::Missing }; MAX_ARGS];
        for (i, arg) in call.args.iter().enumerate() {
            let value = self.run(arg, state).map_err(|error| error.in_argument(i + 1))?;
            if let Some(place) = args.get_mut(i) {
                *place = value;
            }
        }
        let args = &mut args[..call.args.len().min(MAX_ARGS)];
        match call.function.body {
            Body::Stateful(stateful) => Ok(remember(stateful, args, state.slot(self.layout, call.slot))),
            Body::Match(ask) => match value(self.point.call(ask)) {
                Some(answer) if call.function.result(&[]) == Some(answer.ty()) => Ok(answer),
                _ => Err(EvalError::Call(call.function.name, CallError::NoEvent)),
            },
            body => body.call(args, self.env).map_err(|error| EvalError::Call(call.function.name, error)),
        }
    }
}

pub(crate) fn literal(constant: &Const) -> Val<'_> {
    match constant {
        Const::Float(v) => Val::Float(*v),
        Const::Int(v) => Val::Int(*v),
        Const::Bool(v) => Val::Bool(*v),
        Const::Str(v) => Val::Str(Cow::Borrowed(v)),
        Const::Duration(v) => Val::Duration(*v),
        Const::Regex(v, _) => Val::Regex(v),
    }
}

fn negate(value: Val<'_>) -> Val<'_> {
    match value {
        Val::Float(v) => Val::Float(-v),
        Val::Int(v) => Val::Int(v.wrapping_neg()),
        Val::Duration(v) => Val::Duration(v.wrapping_neg()),
        Val::Bool(v) => Val::Bool(!v),
        other => other,
    }
}

fn remember<'a>(stateful: Stateful, args: &[Val<'a>], slot: &mut Slot) -> Val<'a> {
    match (stateful, args.first()) {
        (Stateful::Sigma, Some(Val::Float(x))) => Val::Float(slot.sigma(*x)),
        (Stateful::Spread, Some(Val::Float(x))) => Val::Float(slot.spread(*x)),
        (Stateful::Rand, Some(Val::Int(n))) => Val::Int(slot.rand(Some(*n))),
        (Stateful::Rand, _) => Val::Int(slot.rand(None)),
        (_, _) => Val::Int(slot.count()),
    }
}
