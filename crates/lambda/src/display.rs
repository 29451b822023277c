//! Expressions as error texts quote them: without the parentheses of the source.

use crate::node::{Const, Node};
use crate::text::verb_float;
use std::fmt;
use tick::duration::format_go;

impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Const::Float(v) => f.write_str(&verb_float(*v)),
            Const::Int(v) => write!(f, "{v}"),
            Const::Bool(v) => write!(f, "{v}"),
            Const::Str(v) => f.write_str(v),
            Const::Duration(v) => f.write_str(&format_go(*v)),
            Const::Regex(_, source) => f.write_str(source),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Const(constant) => constant.fmt(f),
            Node::Ref(_, name) => write!(f, "\"{name}\""),
            Node::Time => f.write_str("\"time\""),
            Node::Neg(operand) => write!(f, "-{operand}"),
            Node::Not(operand) => write!(f, "!{operand}"),
            Node::Lambda(body) => body.fmt(f),
            Node::Binary(binary) => {
                write!(f, "{} {} {}", binary.left, binary.op.symbol(), binary.right)
            }
            Node::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (i, arg) in call.args.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    arg.fmt(f)?;
                }
                f.write_str(")")
            }
        }
    }
}
