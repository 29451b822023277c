//! The operators on constants, as in `var limit = 2 * 10s`, with the type rules that lambda
//! expressions follow.

mod apply;
mod rules;

use std::cmp::Ordering;

use crate::ast::{BinaryOp, Call, Expr, ExprKind, UnaryOp};
use crate::go::quote;
use crate::host::Host;
use crate::value::{Value, ValueType};
use apply::apply;
pub(crate) use rules::check;

/// Evaluates an expression whose identifiers have been replaced by literals. `check` has found
/// nothing wrong with it. Errors are Kapacitor's texts, which name no place.
pub(crate) fn eval(expr: &Expr, host: &mut dyn Host) -> Result<Value, String> {
    match &expr.kind {
        ExprKind::Binary { op, left, right, .. } => binary(*op, left, right, host),
        ExprKind::Unary { op, operand } => unary(*op, eval(operand, host)?),
        ExprKind::Call(call) => function(call, host),
        ExprKind::Lambda(body) => eval(body, host),
        ExprKind::Reference(name) => Err(format!("name {} is undefined. Names in scope: ", quote(name))),
        literal => rules::value(literal).ok_or_else(|| rules::unusable(literal)),
    }
}

/// Whether an expression reads a field or tag, which no constant can.
pub(crate) fn reads_reference(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Reference(_) => true,
        ExprKind::Binary { left, right, .. } => reads_reference(left) || reads_reference(right),
        ExprKind::Unary { operand, .. } => reads_reference(operand),
        ExprKind::Call(call) => call.args.iter().any(reads_reference),
        _ => false,
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr, host: &mut dyn Host) -> Result<Value, String> {
    let left = eval(left, host)?;
    match (op, &left) {
        (BinaryOp::And, Value::Bool(false)) | (BinaryOp::Or, Value::Bool(true)) => return Ok(left),
        _ => {}
    }
    let right = eval(right, host)?;
    match apply(op, &left, &right) {
        Some(result) => result,
        None => Err(rules::mismatch(op, left.value_type(), right.value_type())),
    }
}

/// `-x`, `!x`.
pub(crate) fn unary(op: UnaryOp, operand: Value) -> Result<Value, String> {
    match (op, operand) {
        (UnaryOp::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (UnaryOp::Neg, Value::Int(value)) => Ok(Value::Int(value.wrapping_neg())),
        (UnaryOp::Neg, Value::Float(value)) => Ok(Value::Float(-value)),
        (UnaryOp::Neg, Value::Duration(value)) => Ok(Value::Duration(value.wrapping_neg())),
        (UnaryOp::Not, other) => Err(type_guard(other.value_type(), ValueType::Bool)),
        (UnaryOp::Neg, other) => Err(type_guard(other.value_type(), ValueType::Float)),
    }
}

fn type_guard(got: ValueType, wanted: ValueType) -> String {
    format!("TypeGuard: expression returned unexpected type {got}, expected {wanted}")
}

fn function(call: &Call, host: &mut dyn Host) -> Result<Value, String> {
    let mut args = Vec::with_capacity(call.args.len());
    for (index, arg) in call.args.iter().enumerate() {
        let value = eval(arg, host);
        args.push(value.map_err(|error| rules::argument(index, &error))?);
    }
    let name = call.name.name.as_str();
    let result = host.constant_function(name, &args);
    result.unwrap_or_else(|| Err(format!("undefined function: {}", quote(name))))
}

/// Whether a comparison holds for operands in this order; `None` when they have none (NaN).
fn holds(op: BinaryOp, order: Option<Ordering>) -> Option<bool> {
    let is = |wanted: &dyn Fn(Ordering) -> bool| order.is_some_and(wanted);
    Some(match op {
        BinaryOp::Eq => is(&Ordering::is_eq),
        BinaryOp::Ne => !is(&Ordering::is_eq),
        BinaryOp::Lt => is(&Ordering::is_lt),
        BinaryOp::Le => is(&Ordering::is_le),
        BinaryOp::Gt => is(&Ordering::is_gt),
        BinaryOp::Ge => is(&Ordering::is_ge),
        _ => return None,
    })
}
