//! How bad it is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The level of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Nothing to report.
    #[default]
    Ok,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warning,
    /// Worth waking up for.
    Critical,
}

impl Level {
    /// All of them, the mildest first.
    pub const ALL: [Level; 4] = [Level::Ok, Level::Info, Level::Warning, Level::Critical];

    /// `OK`, `INFO`, `WARNING` or `CRITICAL`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Ok => "OK",
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Critical => "CRITICAL",
        }
    }

    /// Reads a level as Kapacitor does: any case, any prefix of the name, and nothing for OK.
    pub fn parse(text: &str) -> Option<Level> {
        let upper = text.to_ascii_uppercase();
        Level::ALL.into_iter().find(|level| level.name().starts_with(&upper))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
