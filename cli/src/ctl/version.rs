//! `kapacitorctl version`

use super::session::{Failure, Session};
use super::{Command, Given};
use crate::commands::version::{line, version};
use serde_json::json;

pub(super) const VERSION: Command = Command {
    name: "version",
    arguments: "",
    summary: "Print the version of this program.",
    more: "",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    given.nothing()?;
    if session.json {
        return session.print(&json!({"version": version()}));
    }
    Ok(writeln!(session.out, "{}", line())?)
}
