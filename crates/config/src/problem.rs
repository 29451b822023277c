//! What can be wrong with a configuration, and where: problems stop the start, warnings do not.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a problem or warning was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line (from 1) of the configuration file.
    Line(usize),
    /// An environment variable.
    Variable(String),
    /// The values as a whole, after file and environment were applied.
    Check,
}

/// One thing that is wrong (or, as a warning, questionable) in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was seen.
    pub origin: Origin,
    /// The dotted key it concerns, such as `influxdb[0].urls`; empty when no single key does.
    pub key: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do next, when there is something definite to say.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Line(line) => write!(f, "line {line}: ")?,
            Origin::Variable(_) | Origin::Check => {}
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

/// Why no configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file was named but cannot be read.
    #[error("cannot read configuration file {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file, the environment or the resulting values hold problems; all of them are listed.
    #[error("{}", list_problems(path.as_deref(), problems))]
    Invalid {
        /// The file, if one was read.
        path: Option<PathBuf>,
        /// Every problem found, in the order of file, environment, checks. Never empty.
        problems: Vec<Problem>,
    },
}

/// One problem per line, each with the file's name in front when it stands in the file.
fn list_problems(path: Option<&Path>, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| match (&problem.origin, path) {
            (Origin::Line(_), Some(path)) => format!("{}: {problem}", path.display()),
            _ => problem.to_string(),
        })
        .collect();
    lines.join("\n")
}
