//! `kapacitorctl help`

use super::session::{Failure, Session};
use super::{Command, Given, named, no_command, usage};

pub(super) const HELP: Command = Command {
    name: "help",
    arguments: "[command]",
    summary: "Print the list of commands, or the help for one.",
    more: "",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    let text = match named(&given.rest) {
        Some((command, _)) => command.usage(),
        None if given.rest.is_empty() => usage(),
        None => return Err(Failure::Failed(no_command(&given.rest))),
    };
    // Asked for, it is the result.
    Ok(session.out.write_all(text.as_bytes())?)
}
