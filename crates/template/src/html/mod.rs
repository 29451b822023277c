//! Contextual escaping, as Go's `html/template` does it: each action is escaped for the place in
//! the HTML, JavaScript, CSS or URL where it stands.

mod attribute;
mod context;
mod css;
mod entity;
mod escape;
mod escaper;
mod js;
mod markup;
mod pipeline;
mod text;
mod transition;
mod url;

pub(crate) use escape::escape;
pub(crate) use escaper::Escaper;
pub(crate) use markup::{ESCAPES, put_text};

/// What stands in for a value that would be unsafe where it is used.
pub(crate) const FAILSAFE: &str = "ZgotmplZ";
