//! `kapacitor version`: the version of the client.

use super::Command;
use crate::session::{Failure, Session};

pub(super) const VERSION: Command = Command {
    name: "version",
    summary: "Displays the Kapacitor version info.",
    usage: "Usage: kapacitor version\n\n\tPrint the version of this client.\n",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, _args: &[String]) -> Result<(), Failure> {
    writeln!(session.out, "{}", line())?;
    Ok(())
}

/// The version of the programs of this crate.
pub(crate) fn line() -> String {
    format!("Kapacitor OSS {} (git: {BRANCH} {COMMIT})", version())
}

/// Its number.
pub(crate) fn version() -> &'static str {
    option_env!("FARAD_VERSION").unwrap_or(env!("CARGO_PKG_VERSION"))
}

// A release sets these when it is built.
const BRANCH: &str = match option_env!("FARAD_BRANCH") {
    Some(branch) => branch,
    None => "unknown",
};
const COMMIT: &str = match option_env!("FARAD_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
