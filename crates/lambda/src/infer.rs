//! The types of an expression over a point whose fields have certain types. Kapacitor works them
//! out before it evaluates anything, so an error of types changes no state; both evaluators ask
//! here, so they refuse alike.

use crate::error::{ArgumentsError, EvalError};
use crate::functions::MAX_ARGS;
use crate::node::{Binary, Call, Node};
use crate::ops;
use crate::types::Ty;
use model::Name;
use std::sync::Arc;

/// The types of the references of a lambda over one point (or over all points of a run).
pub(crate) trait Types {
    /// The type of reference `slot`; `None` when it is a null.
    fn ty(&self, slot: usize) -> Option<Ty>;

    /// Every name that the lambda reads, for errors.
    fn names(&self) -> &Arc<[Name]>;
}

/// The type of an expression. Operands of comparisons are not looked at: their type does not matter
/// for the result, and they are checked when the comparison is worked out.
pub(crate) fn type_of(node: &Node, types: &dyn Types) -> Result<Ty, EvalError> {
    match node {
        Node::Const(constant) => Ok(constant.ty()),
        Node::Ref(slot, name) => types.ty(*slot).ok_or_else(|| EvalError::Null(name.clone())),
        Node::Time => Ok(Ty::Time),
        Node::Not(_) => Ok(Ty::Bool),
        Node::Neg(operand) | Node::Lambda(operand) => type_of(operand, types),
        Node::Binary(binary) => match binary.constant {
            Some(ty) => Ok(ty),
            None => math_type(binary, types),
        },
        Node::Call(call) => call_type(call, types),
    }
}

fn math_type(binary: &Binary, types: &dyn Types) -> Result<Ty, EvalError> {
    let left = type_of(&binary.left, types)?;
    let right = type_of(&binary.right, types)?;
    ops::result(binary.op, left, right).ok_or_else(|| EvalError::mismatch(binary.op, left, right))
}

fn call_type(call: &Arc<Call>, types: &dyn Types) -> Result<Ty, EvalError> {
    let mut found = [Ty::Missing; MAX_ARGS];
    for (i, arg) in call.args.iter().enumerate() {
        let ty = type_of(arg, types).map_err(|error| error.in_argument(i + 1))?;
        if let Some(place) = found.get_mut(i) {
            *place = ty;
        }
    }
    match found.get(..call.args.len()).and_then(|types| call.function.result(types)) {
        Some(ty) => Ok(ty),
        None => Err(wrong_arguments(call, types)),
    }
}

#[cold]
fn wrong_arguments(call: &Arc<Call>, types: &dyn Types) -> EvalError {
    let found: Result<Vec<Ty>, EvalError> = call.args.iter().map(|arg| type_of(arg, types)).collect();
    match found {
        Ok(found) => EvalError::Arguments(ArgumentsError {
            call: call.clone(),
            types: found.into(),
            names: types.names().clone(),
        }),
        Err(error) => error,
    }
}

/// The types of the operands of a comparison or of `AND` and `OR`, checked.
pub(crate) fn operand_types(binary: &Binary, types: &dyn Types) -> Result<(Ty, Ty), EvalError> {
    let left = type_of(&binary.left, types)?;
    let right = type_of(&binary.right, types)?;
    if ops::result(binary.op, left, right).is_some() {
        return Ok((left, right));
    }
    for (ty, node, is_left) in [(left, &binary.left, true), (right, &binary.right, false)] {
        if ty == Ty::Missing
            && let Some(name) = node.reference()
        {
            return Err(EvalError::MissingOperand { left: is_left, name: name.clone() });
        }
    }
    Err(EvalError::mismatch(binary.op, left, right))
}

/// Whether the expression can be worked out as a boolean; the error is the one for this point.
pub(crate) fn check_bool(node: &Node, types: &dyn Types) -> Result<(), EvalError> {
    let guard = |actual| Err(EvalError::TypeGuard { actual: Some(actual), expected: Ty::Bool });
    match node {
        Node::Not(_) => Ok(()),
        Node::Ref(_, name) => match type_of(node, types)? {
            Ty::Bool => Ok(()),
            Ty::Missing => Err(EvalError::MissingReference(name.clone())),
            other => guard(other),
        },
        Node::Binary(binary) if ops::is_math(binary.op) => {
            Err(EvalError::Unexpected(match type_of(node, types)? {
                Ty::Int => "int64",
                Ty::Float => "float64",
                // What the reference prints for results that its error text does not know.
                _ => "<nil>",
            }))
        }
        Node::Binary(_) => Ok(()),
        Node::Const(_) | Node::Time | Node::Neg(_) | Node::Call(_) | Node::Lambda(_) => {
            match type_of(node, types)? {
                Ty::Bool => Ok(()),
                other => guard(other),
            }
        }
    }
}

/// Whether the expression has a value that a field can hold, and its type.
pub(crate) fn check_value(node: &Node, types: &dyn Types) -> Result<Ty, EvalError> {
    match type_of(node, types)? {
        Ty::Missing => Err(missing(node)),
        ty @ (Ty::Time | Ty::Regex) => Err(EvalError::Unexpected(ty.name())),
        ty => Ok(ty),
    }
}

fn missing(node: &Node) -> EvalError {
    match (node, node.reference()) {
        (Node::Lambda(body), _) => missing(body),
        (Node::Ref(..), Some(name)) => EvalError::Missing(name.clone()),
        (_, Some(name)) => EvalError::MissingReference(name.clone()),
        (_, None) => EvalError::Unexpected(Ty::Missing.name()),
    }
}

/// Whether a sign can be put before a value of that type. On a boolean it negates.
pub(crate) fn check_sign(node: &Node, ty: Ty) -> Result<(), EvalError> {
    match ty {
        Ty::Float | Ty::Int | Ty::Duration | Ty::Bool | Ty::Missing => Ok(()),
        expected => Err(EvalError::TypeGuard { actual: node.constant_type(), expected }),
    }
}
