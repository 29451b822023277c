//! The limits that keep a hostile script from exhausting the stack or the memory of a member.

/// The longest script, in bytes.
pub const MAX_SCRIPT_BYTES: usize = 4 << 20;

/// How deep parentheses, calls and prefix operators may nest.
pub const MAX_NESTING: usize = 200;

/// The greatest height of an expression tree. A chain of n links and a row of n operators both
/// have height n, so this bounds every recursion over a tree, in this crate and downstream.
pub const MAX_HEIGHT: usize = 1000;

/// The greatest number of expressions in one lambda once embedded lambdas are counted each time
/// they occur; a dozen lines that embed each other twice would otherwise cost exponential time.
pub(crate) const MAX_LAMBDA_SIZE: usize = 100_000;

/// The most bytes that the values of one evaluation may copy, for the same reason.
pub(crate) const MAX_VALUE_BYTES: usize = 64 << 20;
