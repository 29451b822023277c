//! Mathematics on floats.

use super::math_go as go;
use super::{Body, Function, Signature};
use crate::types::Ty;

/// `name(float) -> float`, one function a line.
macro_rules! one {
    ($name:literal, $body:expr, $doc:literal) => {
        Function {
            name: $name,
            doc: $doc,
            signatures: &[Signature { args: &[Ty::Float], result: Ty::Float }],
            body: Body::Float1($body),
        }
    };
}

/// `name(float, float) -> float`.
macro_rules! two {
    ($name:literal, $body:expr, $doc:literal) => {
        Function {
            name: $name,
            doc: $doc,
            signatures: &[Signature { args: &[Ty::Float, Ty::Float], result: Ty::Float }],
            body: Body::Float2($body),
        }
    };
}

/// `name(int, float) -> float`.
macro_rules! order {
    ($name:literal, $body:expr, $doc:literal) => {
        Function {
            name: $name,
            doc: $doc,
            signatures: &[Signature { args: &[Ty::Int, Ty::Float], result: Ty::Float }],
            body: Body::IntFloat($body),
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    one!("abs", f64::abs, "The absolute value."),
    one!("acos", libm::acos, "The arc cosine, in radians."),
    one!("acosh", libm::acosh, "The inverse hyperbolic cosine."),
    one!("asin", libm::asin, "The arc sine, in radians."),
    one!("asinh", libm::asinh, "The inverse hyperbolic sine."),
    one!("atan", libm::atan, "The arc tangent, in radians."),
    two!("atan2", libm::atan2, "The angle of the point (second, first), in radians."),
    one!("atanh", libm::atanh, "The inverse hyperbolic tangent."),
    one!("cbrt", libm::cbrt, "The cube root."),
    one!("ceil", f64::ceil, "The least whole number not below the argument."),
    one!("cos", libm::cos, "The cosine of an angle in radians."),
    one!("cosh", libm::cosh, "The hyperbolic cosine."),
    one!("erf", libm::erf, "The error function."),
    one!("erfc", libm::erfc, "The complementary error function."),
    one!("exp", libm::exp, "e to the power of the argument."),
    one!("exp2", libm::exp2, "Two to the power of the argument."),
    one!("expm1", libm::expm1, "e to the power of the argument, less one; exact near zero."),
    one!("floor", f64::floor, "The greatest whole number not above the argument."),
    one!("gamma", go::gamma, "The gamma function."),
    two!("hypot", libm::hypot, "The length of the hypotenuse over two sides."),
    one!("j0", libm::j0, "The Bessel function of the first kind, of order zero."),
    one!("j1", libm::j1, "The Bessel function of the first kind, of order one."),
    order!("jn", go::jn, "The Bessel function of the first kind, of the order given first."),
    one!("log", libm::log, "The natural logarithm."),
    one!("log10", go::log10, "The logarithm to base ten."),
    one!("log1p", libm::log1p, "The natural logarithm of the argument plus one; exact near zero."),
    one!("log2", go::log2, "The logarithm to base two."),
    one!("logb", go::logb, "The binary exponent."),
    two!("max", go::max, "The larger of two; NaN when one is NaN and none is +Inf."),
    two!("min", go::min, "The smaller of two; NaN when one is NaN and none is -Inf."),
    two!("mod", libm::fmod, "The remainder of a division, with the sign of the first argument."),
    two!("pow", libm::pow, "The first argument to the power of the second."),
    Function {
        name: "pow10",
        doc: "Ten to the power of an integer.",
        signatures: &[Signature { args: &[Ty::Int], result: Ty::Float }],
        body: Body::Int1(go::pow10),
    },
    one!("sin", libm::sin, "The sine of an angle in radians."),
    one!("sinh", libm::sinh, "The hyperbolic sine."),
    one!("sqrt", f64::sqrt, "The square root."),
    one!("tan", libm::tan, "The tangent of an angle in radians."),
    one!("tanh", libm::tanh, "The hyperbolic tangent."),
    one!("trunc", f64::trunc, "The argument without its fraction."),
    one!("y0", libm::y0, "The Bessel function of the second kind, of order zero."),
    one!("y1", libm::y1, "The Bessel function of the second kind, of order one."),
    order!("yn", go::yn, "The Bessel function of the second kind, of the order given first."),
];
