//! Why a handler cannot be made, and why a delivery fails.

use alert::DropReason;
use std::time::Duration;

/// A handler definition that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No kind of handler has this name.
    #[error("unsupported action kind {kind:?}{}", hint(.nearest))]
    UnknownKind {
        /// The name.
        kind: String,
        /// The kind that was probably meant.
        nearest: Option<String>,
    },
    /// The kind is switched off.
    #[error("handler '{0}' is disabled")]
    Disabled(String),
    /// Options that the kind does not have, or whose values have the wrong types; in Kapacitor's
    /// words, which clients compare.
    #[error("failed to decode options into *{config}: {} error(s) decoding:\n\n{}", problems.len(), list(problems))]
    Decode {
        /// What Kapacitor calls the options.
        config: &'static str,
        /// What is wrong, sorted.
        problems: Vec<String>,
    },
    /// The option's value has the right type but says nothing.
    #[error("option {option:?} of handler kind {kind} must be {expected}")]
    OptionType {
        /// The kind of handler.
        kind: &'static str,
        /// The option.
        option: &'static str,
        /// What it must be, in words.
        expected: &'static str,
    },
    /// An option without which the handler cannot work.
    #[error("handler kind {kind} needs the option {option:?}")]
    Missing {
        /// The kind of handler.
        kind: &'static str,
        /// The option.
        option: &'static str,
    },
    /// Options that are well formed but make no sense. The text is whole.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// What becomes of deliveries to such a handler.
    pub fn drop_reason(&self) -> DropReason {
        match self {
            Error::Disabled(_) => DropReason::Disabled,
            _ => DropReason::Refused,
        }
    }
}

fn list(problems: &[String]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("* {problem}")).collect();
    lines.join("\n")
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

/// A delivery that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {error}{}", suffix(.context))]
pub struct DeliveryError {
    /// Whether the same delivery may arrive later.
    pub retryable: bool,
    /// The receiver asked not to be tried again before this time has passed.
    pub retry_after: Option<Duration>,
    /// What failed: the message of the log line, in Kapacitor's words.
    pub what: &'static str,
    /// Why it failed.
    pub error: String,
    /// One more field of the log line: `file`, `output`, `address` or `code`.
    pub context: Option<(&'static str, String)>,
}

impl DeliveryError {
    /// A failure that may pass.
    pub fn retryable(what: &'static str, error: impl ToString) -> DeliveryError {
        DeliveryError { retryable: true, retry_after: None, what, error: error.to_string(), context: None }
    }

    /// A failure that stays.
    pub fn lasting(what: &'static str, error: impl ToString) -> DeliveryError {
        DeliveryError { retryable: false, ..DeliveryError::retryable(what, error) }
    }

    /// The same with a field for the log line.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> DeliveryError {
        self.context = Some((name, value.to_string()));
        self
    }
}

fn suffix(context: &Option<(&'static str, String)>) -> String {
    match context {
        Some((name, value)) if !value.is_empty() => format!(" ({name}: {value})"),
        _ => String::new(),
    }
}

/// The text of an error of the operating system as Go words it, which log watchers know:
/// `connection refused`, without a number and without a capital.
pub(crate) fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let Some(number) = error.raw_os_error() else {
        return text;
    };
    let text = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
