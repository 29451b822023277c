//! `kapacitor help`: the list of commands, or the usage of one.

use super::{Command, find};
use crate::session::{Failure, Session};

pub(super) const HELP: Command = Command {
    name: "help",
    summary: "Prints help for a command.",
    usage: "Usage: kapacitor help [command]\n",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let [name] = args else {
        return Err(Failure::Commands(Some(HELP.usage.to_owned())));
    };
    match find(name) {
        Some(command) => Ok(command.write_usage(session.err)?),
        None => Err(Failure::Commands(Some(format!("Unknown command {name}")))),
    }
}
