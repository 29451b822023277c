//! TICKscript as text: lexing, parsing, formatting, diagnostics, and the evaluation of a script's
//! variables and chains against a [`Host`]. Nothing here knows what a node is: the host does.
//!
//! The usual road is [`parse`], then [`evaluate`] with the pipeline as host; the command line
//! stops after [`parse`] and [`format()`].

pub mod ast;
pub mod codes;
mod comment;
mod constant;
mod diagnostic;
pub mod duration;
mod evaluate;
mod format;
mod go;
mod host;
mod lex;
mod limits;
mod literal;
mod parse;
mod program;
pub mod re2;
mod resolve;
mod scope;
mod source;
mod suggest;
mod token;
mod value;

pub use diagnostic::{Diagnostic, Kind};
pub use evaluate::{Evaluated, Mode, VarInfo, evaluate};
pub use format::{format, format_expr};
pub use go::{float_to_int, quote, quote_char};
pub use host::{Arg, Host};
pub use limits::{MAX_HEIGHT, MAX_NESTING, MAX_SCRIPT_BYTES};
pub use parse::{parse, parse_lambda};
pub use program::{Declared, TaskType, dbrps, declared_vars, task_type};
pub use source::{Position, position};
pub use suggest::did_you_mean;
pub use value::{ObjectId, Value, ValueType};
