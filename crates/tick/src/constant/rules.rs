//! The type rules: what can be said of an expression before it is evaluated, and in which words.

use super::apply::apply;
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::value::{Value, ValueType};

/// What is known of an expression before it is evaluated.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// The type, where it is the same whatever the values are.
    value_type: Option<ValueType>,
    /// The type depends on values: references and functions, and arithmetic over them.
    is_dynamic: bool,
}

/// Checks the types of the parts that are constant, in Kapacitor's order and words.
pub(crate) fn check(expr: &Expr) -> Result<Known, String> {
    let constant = |value_type| Known { value_type, is_dynamic: false };
    match &expr.kind {
        ExprKind::Binary { op, left, right, .. } => {
            let left = check(left).map_err(|error| format!("Failed to handle left node: {error}"))?;
            let right = check(right).map_err(|error| format!("Failed to handle right node: {error}"))?;
            binary(*op, left, right)
        }
        ExprKind::Unary { op, operand } => {
            let operand = nested(operand)?;
            Ok(if *op == UnaryOp::Not { constant(Some(ValueType::Bool)) } else { operand })
        }
        ExprKind::Lambda(inner) => nested(inner),
        ExprKind::Call(call) => {
            for (index, arg) in call.args.iter().enumerate() {
                check(arg).map_err(|error| argument(index, &error))?;
            }
            Ok(Known { value_type: None, is_dynamic: true })
        }
        ExprKind::Reference(_) => Ok(Known { value_type: None, is_dynamic: true }),
        literal => match value(literal) {
            Some(value) => Ok(constant(Some(value.value_type()))),
            None => Err(unusable(literal)),
        },
    }
}

fn binary(op: BinaryOp, left: Known, right: Known) -> Result<Known, String> {
    let result = match (left.value_type, right.value_type) {
        (Some(left_type), Some(right_type)) => {
            let result = result_type(op, left_type, right_type);
            if result.is_none() && !left.is_dynamic && !right.is_dynamic {
                return Err(mismatch(op, left_type, right_type));
            }
            result
        }
        _ => None,
    };
    Ok(if kind(op) == "math" {
        Known { value_type: result, is_dynamic: left.is_dynamic || right.is_dynamic }
    } else {
        Known { value_type: Some(ValueType::Bool), is_dynamic: false }
    })
}

fn nested(inner: &Expr) -> Result<Known, String> {
    check(inner).map_err(|error| format!("Failed to handle node: {error}"))
}

/// Names an argument of a function, from 1.
pub(super) fn argument(index: usize, error: &str) -> String {
    format!("Failed to handle {} argument: {error}", index + 1)
}

/// The value of a literal that operators take.
pub(super) fn value(literal: &ExprKind) -> Option<Value> {
    Some(match literal {
        ExprKind::Bool(value) => Value::Bool(*value),
        ExprKind::Int { value, .. } => Value::Int(*value),
        ExprKind::Float(value) => Value::Float(*value),
        ExprKind::Duration { ns, .. } => Value::Duration(*ns),
        ExprKind::String { value, .. } => Value::String(value.clone()),
        ExprKind::Regex(pattern) => Value::Regex(pattern.clone()),
        _ => return None,
    })
}

/// The text for an expression that operators do not take.
pub(super) fn unusable(kind: &ExprKind) -> String {
    let name = match kind {
        ExprKind::List(_) => "*ast.ListNode",
        ExprKind::Star => "*ast.StarNode",
        ExprKind::Chain { .. } => "*ast.ChainNode",
        _ => "*ast.IdentifierNode",
    };
    format!("Given node type is not valid evaluation node: {name}")
}

/// Types that operators take, with a value of each.
fn samples() -> [Value; 6] {
    [
        Value::Float(1.0),
        Value::Int(1),
        Value::String(String::new()),
        Value::Bool(true),
        Value::Regex(String::new()),
        Value::Duration(1),
    ]
}

/// The type of the result, or `None` if the operator does not take these types. Asks `apply`, so
/// that there is one table only.
fn result_type(op: BinaryOp, left: ValueType, right: ValueType) -> Option<ValueType> {
    let samples = samples();
    let sample = |wanted| samples.iter().find(|sample| sample.value_type() == wanted);
    match apply(op, sample(left)?, sample(right)?)? {
        Ok(value) => Some(value.value_type()),
        Err(_) => None,
    }
}

/// Why an operator does not take two types.
pub(super) fn mismatch(op: BinaryOp, left: ValueType, right: ValueType) -> String {
    let others = samples().map(|sample| sample.value_type());
    let known = others
        .iter()
        .any(|&other| result_type(op, left, other).is_some() || result_type(op, other, left).is_some());
    if known {
        format!(
            "mismatched type to binary operator. got {left} {} {right}. see bool(), int(), float(), string(), duration()",
            op.symbol()
        )
    } else {
        format!("invalid {} operator {} for type {left}", kind(op), op.symbol())
    }
}

/// The family of an operator in messages.
fn kind(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => "math",
        BinaryOp::And | BinaryOp::Or => "logical",
        _ => "comparison",
    }
}
