//! Why a point has no result. Made for every point of a bad stream, so the parts are shared and the
//! text is only written when somebody reads it.

use crate::node::Call;
use crate::ops;
use crate::text::verb_float;
use crate::types::Ty;
use model::Name;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use tick::ast::BinaryOp;
use tick::quote;

/// Why an expression has no value for a point. The texts are those that Kapacitor's users know.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A name is both a field and a tag of the point.
    #[error("cannot have field and tags with same name {}", quote(.0))]
    Ambiguous(Name),
    /// A match expression reads a tag that the event lacks.
    #[error("no tag exists for {0}")]
    NoTag(Name),
    /// A field is present but empty.
    #[error("referenced value {} is nil.", quote(.0))]
    Null(Name),
    /// An operand of an operator is missing.
    #[error("{} reference value \"{name}\" is missing value", if *.left { "left" } else { "right" })]
    MissingOperand {
        /// The operand left of the operator.
        left: bool,
        /// The reference.
        name: Name,
    },
    /// The whole expression is one missing reference.
    #[error("missing value: \"{0}\"")]
    Missing(Name),
    /// A missing reference where a value of one type is needed.
    #[error("reference \"{0}\" is missing value")]
    MissingReference(Name),
    /// A value of one type where another is needed.
    #[error("TypeGuard: expression returned unexpected type {}, expected {expected}", ty_name(.actual))]
    TypeGuard {
        /// The type found; `None` when it has none.
        actual: Option<Ty>,
        /// The type needed.
        expected: Ty,
    },
    /// The whole expression has a type that cannot be used.
    #[error("expression returned unexpected type {0}")]
    Unexpected(&'static str),
    /// The operator takes no operand of that type.
    #[error("invalid {} operator {} for type {ty}", ops::kind(*.op), .op.symbol())]
    Operator {
        /// The operator.
        op: BinaryOp,
        /// The type.
        ty: Ty,
    },
    /// The operator takes both types, but not together.
    #[error("mismatched type to binary operator. got {left} {} {right}. see bool(), int(), float(), string(), duration()", .op.symbol())]
    Mismatch {
        /// The operator.
        op: BinaryOp,
        /// Type of the left operand.
        left: Ty,
        /// Type of the right operand.
        right: Ty,
    },
    /// A function does not take these arguments.
    #[error("{0}")]
    Arguments(ArgumentsError),
    /// An argument of a function has no value.
    #[error("Failed to handle {0} argument: {1}")]
    Argument(usize, Box<EvalError>),
    /// A function refuses the values of its arguments.
    #[error("error calling \"{0}\": {1}")]
    Call(&'static str, CallError),
    /// An integer or a duration is divided by zero.
    #[error("cannot divide by zero: the divisor of an integer or duration is 0")]
    DivisionByZero,
    /// A text would grow beyond what a point may carry.
    #[error("the text grows beyond 16 MiB; shorten it")]
    TooLong,
}

fn ty_name(ty: &Option<Ty>) -> &'static str {
    ty.map_or("invalid type", Ty::name)
}

impl EvalError {
    /// Why the operator does not take these types.
    pub(crate) fn mismatch(op: BinaryOp, left: Ty, right: Ty) -> EvalError {
        if ops::takes(op, left) {
            EvalError::Mismatch { op, left, right }
        } else {
            EvalError::Operator { op, ty: left }
        }
    }

    /// This error as that of argument `number`, counted from one.
    pub(crate) fn in_argument(self, number: usize) -> EvalError {
        EvalError::Argument(number, Box::new(self))
    }
}

/// A call with arguments that its function does not take.
#[derive(Clone)]
pub struct ArgumentsError {
    pub(crate) call: Arc<Call>,
    pub(crate) types: Arc<[Ty]>,
    /// Every name that the lambda reads, in order.
    pub(crate) names: Arc<[Name]>,
}

impl fmt::Debug for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for ArgumentsError {
    fn eq(&self, other: &ArgumentsError) -> bool {
        self.call.function.name == other.call.function.name
            && self.types == other.types
            && self.to_string() == other.to_string()
    }
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args = || self.call.args.iter().zip(self.types.iter());
        let missing: Vec<String> =
            args().filter(|(_, ty)| **ty == Ty::Missing).map(|(arg, _)| arg.to_string()).collect();
        let name = self.call.function.name;
        if !missing.is_empty() {
            let (noun, verb) = if missing.len() > 1 { ("arguments", "are") } else { ("argument", "is") };
            let names: Vec<String> =
                self.names.iter().map(|n| format!("\"{n}\"")).filter(|n| !missing.contains(n)).collect();
            return write!(
                f,
                "Cannot call function \"{name}\" {noun} {} {verb} missing, values in scope are [{}]",
                missing.join(", "),
                names.join(", ")
            );
        }
        let got: Vec<String> = args().map(|(arg, ty)| format!("{arg}: {ty}")).collect();
        let available: Vec<String> = self.call.function.signatures.iter().map(|s| s.to_string()).collect();
        write!(
            f,
            "Cannot call function \"{name}\" with args ({}), available signatures are [{}].",
            got.join(","),
            available.join(", ")
        )
    }
}

/// Why a function refuses the values of its arguments, whose types are right.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// A number other than 0 and 1 as a boolean.
    #[error("cannot convert {0} to boolean")]
    NotBoolean(i64),
    /// A number other than 0 and 1 as a boolean.
    #[error("cannot convert {} to boolean", verb_float(*.0))]
    FloatNotBoolean(f64),
    /// Text that is no number or boolean.
    #[error("strconv.{0}: parsing {text}: invalid syntax", text = quote(.1))]
    Syntax(&'static str, Box<str>),
    /// Text of a number too large for its type.
    #[error("strconv.{0}: parsing {text}: value out of range", text = quote(.1))]
    Range(&'static str, Box<str>),
    /// Text that is no duration.
    #[error("invalid duration string {}", quote(.0))]
    Duration(Box<str>),
    /// A negative place in a text.
    #[error("found negative index for strSubstring: {0}")]
    NegativeIndex(i64),
    /// A place behind the end of a text.
    #[error("stop index too large for string in strSubstring: {0}")]
    StopIndex(i64),
    /// A part of a text that ends before it starts.
    #[error("start index {0} is beyond stop index {1} in strSubstring")]
    StartIndex(i64, i64),
    /// A text would grow beyond what a point may carry.
    #[error("the text grows beyond 16 MiB; shorten it")]
    TooLong,
    /// A match function was asked of something that is no event.
    #[error("only an event of an alert has an answer")]
    NoEvent,
}
