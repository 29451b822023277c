//! farad-template: Go's `text/template` and `html/template`, for alert ids, messages, details and
//! handler templates, and Go's way of printing numbers, durations and times.
//!
//! A [`Template`] is parsed once and rendered over any [`Object`], a lazy view of the caller's
//! data. Nothing here reads a clock, a file or the environment.
//!
//! ```
//! use template::{Object, Template, Value};
//!
//! struct Event;
//! impl Object for Event {
//!     fn type_name(&self) -> &str {
//!         "kapacitor.messageInfo"
//!     }
//!     fn field(&self, name: &str) -> Option<Value<'_>> {
//!         match name {
//!             "ID" => Some(Value::from("cpu:host=a")),
//!             "Level" => Some(Value::from("CRITICAL")),
//!             _ => None,
//!         }
//!     }
//! }
//!
//! let template = Template::text("{{ .ID }} is {{ .Level }}", "message")?;
//! let mut out = String::new();
//! template.render(&Event, &mut out)?;
//! assert_eq!(out, "cpu:host=a is CRITICAL");
//! # Ok::<(), template::Error>(())
//! ```

mod ast;
mod builtin;
mod compare;
mod duration;
mod error;
mod eval;
mod exec;
mod flat;
mod format;
mod function;
mod html;
pub mod json;
mod layout;
mod lex;
mod literal;
mod method;
pub mod number;
mod parse;
mod quote;
mod template;
mod text;
mod time;
mod value;

pub use error::Error;
pub use template::{Limits, Template};
pub use time::Time;
pub use value::{
    AnyMap, Content, Element, Encoded, LEVEL, List, MONTH, Map, NamedInt, Object, Slot, Span, TextMap, Value,
    WEEKDAY,
};

/// Go's `%q` of a text: a double-quoted string literal, as error messages show names.
pub fn quote(text: &str) -> String {
    quote::quote(text)
}
