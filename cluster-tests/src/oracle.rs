//! What must come out: the same points through one member on its own, and the differences.

mod compare;
mod reference;
mod totals;

pub use compare::{EventKey, Verdict, compare, missing};
pub use reference::{Reference, define, define_one, reference};
pub use totals::Totals;
