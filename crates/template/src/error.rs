//! What can go wrong with a template, in the words Go uses.

/// A template that cannot be parsed, escaped or rendered.
///
/// The first three carry Go's own text, so that a Kapacitor user meets the message they know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source is not a template: `template: name:line: ...`.
    #[error("{0}")]
    Parse(String),
    /// Rendering failed: `template: name:line:col: executing "name" at <.Foo>: ...`.
    #[error("{0}")]
    Execute(String),
    /// An html template cannot be made safe: `html/template:name:line:col: ...`.
    #[error("{0}")]
    Escape(String),
    /// Rendering went past one of the [`Limits`](crate::Limits).
    #[error("template: {name}: stopped after {limit}: make the template smaller or its loops shorter")]
    Limit {
        /// Name of the template.
        name: String,
        /// Which limit, with its value: `1048576 bytes of output`.
        limit: String,
    },
}
