//! `kapacitor vars`: the server's variables, as they come.

use super::Command;
use crate::session::{Failure, Session};

pub(super) const VARS: Command = Command {
    name: "vars",
    summary: "Print debug vars in JSON format.",
    usage: "Usage: kapacitor vars\n\n\tPrint the server's variables and statistics as JSON.\n",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, _args: &[String]) -> Result<(), Failure> {
    let vars = session.client.debug_vars_raw()?;
    Ok(session.out.write_all(&vars)?)
}
