//! One operator on two values.

use super::holds;
use crate::ast::BinaryOp;
use crate::go::float_to_int;
use crate::re2;
use crate::value::Value;

const DIVIDE_BY_ZERO: &str = "runtime error: integer divide by zero";

/// The result, or `None` if the operator does not take these types.
pub(super) fn apply(op: BinaryOp, left: &Value, right: &Value) -> Option<Result<Value, String>> {
    use BinaryOp::{Add, And, Div, Eq, Match, Mod, Mul, Ne, NotMatch, Or, Sub};
    use Value::{Bool, Duration, Float, Int, Regex, String as Text};
    let value = match (op, left, right) {
        (And, Bool(left), Bool(right)) => Bool(*left && *right),
        (Or, Bool(left), Bool(right)) => Bool(*left || *right),
        (Eq | Ne, Bool(left), Bool(right)) => Bool(holds(op, Some(left.cmp(right)))?),

        (Add, Int(left), Int(right)) => Int(left.wrapping_add(*right)),
        (Sub, Int(left), Int(right)) => Int(left.wrapping_sub(*right)),
        (Mul, Int(left), Int(right)) => Int(left.wrapping_mul(*right)),
        (Div | Mod, Int(_), Int(0)) => return Some(Err(DIVIDE_BY_ZERO.to_owned())),
        (Div, Int(left), Int(right)) => Int(left.wrapping_div(*right)),
        (Mod, Int(left), Int(right)) => Int(left.wrapping_rem(*right)),

        (Add, Float(left), Float(right)) => Float(left + right),
        (Sub, Float(left), Float(right)) => Float(left - right),
        (Mul, Float(left), Float(right)) => Float(left * right),
        (Div, Float(left), Float(right)) => Float(left / right),

        (Add, Duration(left), Duration(right)) => Duration(left.wrapping_add(*right)),
        (Sub, Duration(left), Duration(right)) => Duration(left.wrapping_sub(*right)),
        (Div, Duration(_), Duration(0) | Int(0)) => return Some(Err(DIVIDE_BY_ZERO.to_owned())),
        (Div, Duration(left), Duration(right)) => Int(left.wrapping_div(*right)),
        (Div, Duration(left), Int(right)) => Duration(left.wrapping_div(*right)),
        (Mul, Duration(left), Int(right)) | (Mul, Int(left), Duration(right)) => {
            Duration(left.wrapping_mul(*right))
        }
        (Mul, Duration(ns), Float(factor)) | (Mul, Float(factor), Duration(ns)) => {
            Duration(float_to_int(*ns as f64 * factor))
        }
        (Div, Duration(ns), Float(divisor)) => Duration(float_to_int(*ns as f64 / divisor)),

        (Add, Text(left), Text(right)) => Text(format!("{left}{right}")),
        (Match | NotMatch, Text(text), Regex(pattern)) => {
            return Some(matches(text, pattern).map(|found| Bool(found == (op == Match))));
        }

        (_, Int(left), Int(right)) => Bool(holds(op, Some(left.cmp(right)))?),
        (_, Float(left), Float(right)) => Bool(holds(op, left.partial_cmp(right))?),
        (_, Int(left), Float(right)) => Bool(holds(op, (*left as f64).partial_cmp(right))?),
        (_, Float(left), Int(right)) => Bool(holds(op, left.partial_cmp(&(*right as f64)))?),
        (_, Duration(left), Duration(right)) => Bool(holds(op, Some(left.cmp(right)))?),
        (_, Text(left), Text(right)) => Bool(holds(op, Some(left.cmp(right)))?),
        _ => return None,
    };
    Some(Ok(value))
}

fn matches(text: &str, pattern: &str) -> Result<bool, String> {
    let regex = re2::compile(pattern).map_err(|error| error.to_string())?;
    Ok(regex.is_match(text))
}
