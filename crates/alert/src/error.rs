//! What can be wrong with a topic, a handler or a match expression.

/// Errors of this crate. The texts of the name checks are Kapacitor's own: clients compare them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A topic's name holds something else than letters, digits and `- : . _`.
    #[error("handler topic must contain only letters, numbers, '-', '.' and '_'. {}", tick::quote(.0))]
    TopicName(String),
    /// A handler's id holds something else than letters, digits and `- . _`.
    #[error("handler ID must contain only letters, numbers, '-', '.' and '_'. {}", tick::quote(.0))]
    HandlerId(String),
    /// A task's id holds something else than letters, digits and `- . _`.
    #[error("task ID must contain only letters, numbers, '-', '.' and '_'. {}", tick::quote(.0))]
    TaskId(String),
    /// A handler without a kind.
    #[error("handler Kind must not be empty")]
    NoKind,
    /// A match expression that cannot be read or checked.
    #[error("invalid match expression: {0}")]
    Match(String),
    /// Options that a `publish` or an `aggregate` cannot have. The text is whole.
    #[error("{0}")]
    Options(String),
}
