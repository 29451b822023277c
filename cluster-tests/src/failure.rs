//! Why a scenario does not succeed.

/// What a step of a scenario gives.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a scenario ends early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A promise is broken, or something did not come in time.
    #[error("{0}")]
    Broken(String),
    /// This machine lacks something that the scenario needs.
    #[error("{0}")]
    Skipped(String),
    /// The machine refused something that the harness does.
    #[error("cannot {what}: {source}")]
    Machine {
        /// What the harness was about to do.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Failure {
    /// A broken promise.
    pub fn broken(text: impl Into<String>) -> Failure {
        Failure::Broken(text.into())
    }
}

/// Says what was tried when the system refuses it.
pub trait Trying<T> {
    /// `what` completes "cannot ...".
    fn trying(self, what: &str) -> Outcome<T>;
}

impl<T> Trying<T> for std::io::Result<T> {
    fn trying(self, what: &str) -> Outcome<T> {
        self.map_err(|source| Failure::Machine { what: what.to_owned(), source })
    }
}
