//! From the checked tree and the types of the references to a typed program. Mirrors the plain
//! evaluator step by step; what that one would find out for each point is found out here once.

use crate::functions::Body;
use crate::infer::{self, Types};
use crate::node::{Binary, Call, Const, Node};
use crate::ops;
use crate::typed::{Kind, Program, Typed};
use crate::types::Ty;
use tick::ast::BinaryOp;

/// What the caller wants of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Its value.
    Value,
    /// Its truth.
    Truth,
}

/// The program of an expression over references of these types.
pub(crate) fn specialise(root: &Node, goal: Goal, types: &dyn Types) -> Program {
    let checked = match goal {
        Goal::Value => infer::check_value(root, types).map(|_| ()),
        Goal::Truth => infer::type_of(root, types).and_then(|_| infer::check_bool(root, types)),
    };
    if let Err(error) = checked {
        return Program::Fail(error);
    }
    let specialiser = Specialiser { types };
    match specialiser.node(root) {
        Ok(typed) => Program::Columns(typed),
        Err(NoColumns) => Program::Rows,
    }
}

/// Something has no columnar form: regular expressions that differ from row to row.
struct NoColumns;

struct Specialiser<'a> {
    types: &'a dyn Types,
}

impl Specialiser<'_> {
    fn boolean(&self, node: &Node) -> Result<Typed, NoColumns> {
        match infer::check_bool(node, self.types) {
            Ok(()) => self.node(node),
            Err(error) => Ok(Typed::fail(Ty::Bool, error)),
        }
    }

    fn node(&self, node: &Node) -> Result<Typed, NoColumns> {
        Ok(match node {
            Node::Const(constant) => Typed::leaf(constant.ty(), literal(constant)),
            Node::Ref(slot, _) => match self.types.ty(*slot) {
                Some(ty @ (Ty::Float | Ty::Int | Ty::Bool | Ty::Str)) => Typed::leaf(ty, Kind::Ref(*slot)),
                _ => return Err(NoColumns),
            },
            Node::Time => Typed::leaf(Ty::Time, Kind::Time),
            Node::Not(operand) => negation(self.boolean(operand)?),
            Node::Neg(operand) => self.sign(node, operand)?,
            Node::Lambda(body) => match infer::type_of(body, self.types) {
                Ok(Ty::Bool) => self.boolean(body)?,
                Ok(_) => self.node(body)?,
                Err(_) => return Err(NoColumns),
            },
            Node::Binary(binary) => self.binary(binary)?,
            Node::Call(call) => self.call(call)?,
        })
    }

    fn sign(&self, node: &Node, operand: &Node) -> Result<Typed, NoColumns> {
        let ty = infer::type_of(operand, self.types).map_err(|_| NoColumns)?;
        if let Err(error) = infer::check_sign(node, ty) {
            return Ok(Typed::fail(ty, error));
        }
        if ty == Ty::Missing {
            return Err(NoColumns);
        }
        let operand = self.node(operand)?;
        if ty == Ty::Bool {
            return Ok(negation(operand));
        }
        let (free, stateful) = (operand.free, operand.stateful);
        Ok(Typed { ty, free, stateful, kind: Kind::Neg(Box::new(operand)) })
    }

    fn binary(&self, binary: &Binary) -> Result<Typed, NoColumns> {
        let logical = matches!(binary.op, BinaryOp::And | BinaryOp::Or);
        if binary.checked
            && !ops::is_math(binary.op)
            && let Err(error) = infer::operand_types(binary, self.types)
        {
            return Ok(Typed::fail(Ty::Bool, error));
        }
        let side = |node| {
            if logical { self.boolean(node) } else { self.node(node) }
        };
        let left = side(&binary.left)?;
        let right = side(&binary.right)?;
        let Some(ty) = ops::result(binary.op, left.ty, right.ty) else {
            return Err(NoColumns);
        };
        let numeric = |ty| matches!(ty, Ty::Float | Ty::Int | Ty::Bool | Ty::Duration);
        let free =
            left.free && right.free && numeric(left.ty) && numeric(right.ty) && !divides(binary.op, &right);
        let stateful = left.stateful || right.stateful;
        Ok(Typed { ty, free, stateful, kind: Kind::Binary(binary.op, Box::new(left), Box::new(right)) })
    }

    fn call(&self, call: &Call) -> Result<Typed, NoColumns> {
        let mut types = Vec::with_capacity(call.args.len());
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            let ty = infer::type_of(arg, self.types).map_err(|_| NoColumns)?;
            types.push(ty);
            // Only `isPresent` gets this far, and a missing argument has nothing to work out.
            if ty != Ty::Missing {
                args.push(self.node(arg)?);
            }
        }
        let ty = call.function.result(&types).ok_or(NoColumns)?;
        if ty == Ty::Regex {
            return Err(NoColumns);
        }
        if matches!(call.function.body, Body::IsPresent) && args.is_empty() {
            return Ok(Typed::leaf(Ty::Bool, Kind::Bool(false)));
        }
        let own = matches!(call.function.body, Body::Stateful(_));
        let stateful = own || args.iter().any(|arg| arg.stateful);
        let cheap = matches!(call.function.body, Body::Float1(_) | Body::Float2(_) | Body::IsPresent);
        let free = cheap && args.iter().all(|arg| arg.free);
        Ok(Typed { ty, free, stateful, kind: Kind::Call(call.function, args, call.slot) })
    }
}

/// Integer division by something that can be zero.
fn divides(op: BinaryOp, divisor: &Typed) -> bool {
    matches!(op, BinaryOp::Div | BinaryOp::Mod)
        && match divisor.kind {
            Kind::Int(v) | Kind::Duration(v) => v == 0,
            _ => divisor.ty != Ty::Float,
        }
}

fn negation(operand: Typed) -> Typed {
    let (free, stateful) = (operand.free, operand.stateful);
    Typed { ty: Ty::Bool, free, stateful, kind: Kind::Not(Box::new(operand)) }
}

fn literal(constant: &Const) -> Kind {
    match constant {
        Const::Float(v) => Kind::Float(*v),
        Const::Int(v) => Kind::Int(*v),
        Const::Bool(v) => Kind::Bool(*v),
        Const::Str(v) => Kind::Str(v.clone()),
        Const::Duration(v) => Kind::Duration(*v),
        Const::Regex(v, _) => Kind::Regex(v.clone()),
    }
}
