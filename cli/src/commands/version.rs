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
    // A release sets these when it is built.
    let version = option_env!("FARAD_VERSION").unwrap_or(env!("CARGO_PKG_VERSION"));
    let branch = option_env!("FARAD_BRANCH").unwrap_or("unknown");
    let commit = option_env!("FARAD_COMMIT").unwrap_or("unknown");
    writeln!(session.out, "Kapacitor OSS {version} (git: {branch} {commit})")?;
    Ok(())
}
