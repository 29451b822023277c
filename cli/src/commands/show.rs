//! `kapacitor show`: everything about one task.

use super::Command;
use crate::flags::{self, Flag, Kind};
use crate::session::{Failure, Session};
use crate::shapes::NodeError;
use crate::{dbrp, go, vars};

const FLAGS: &[Flag] = &[Flag {
    name: "replay",
    kind: Kind::Text,
    doc: "Optional replay ID. If set the task information is in the context of the running replay.",
}];

pub(super) const SHOW: Command = Command {
    name: "show",
    summary: "Display detailed information about a task.",
    usage: "Usage: kapacitor show [-replay] [task ID]\n\n\tShow the definition, state and statistics of one task.\n",
    flags: FLAGS,
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let parsed = flags::parse(FLAGS, args)?;
    let [id] = parsed.rest.as_slice() else {
        return Err(Failure::Arguments("Must specify one task ID".to_owned()));
    };
    let task = session.client.task(id, parsed.text("replay"))?;
    let out = &mut session.out;
    writeln!(out, "ID: {}", task.id)?;
    writeln!(out, "Error: {}", task.error)?;
    writeln!(out, "Template: {}", task.template_id)?;
    writeln!(out, "Type: {}", task.r#type)?;
    writeln!(out, "Status: {}", task.status)?;
    writeln!(out, "Executing: {}", task.executing)?;
    writeln!(out, "Created: {}", go::rfc822(&task.created))?;
    writeln!(out, "Modified: {}", go::rfc822(&task.modified))?;
    writeln!(out, "LastEnabled: {}", go::rfc822(&task.last_enabled))?;
    let pairs = dbrp::show_all(task.dbrps.as_deref().unwrap_or_default());
    writeln!(out, "Databases Retention Policies: {pairs}")?;
    writeln!(out, "TICKscript:\n{}", task.script)?;
    let variables = task.vars.unwrap_or_default();
    if !variables.is_empty() {
        writeln!(out, "Vars:")?;
        writeln!(out, "{:<30}{:<10}{:<40}", "Name", "Type", "Value")?;
        for (name, var) in &variables {
            writeln!(out, "{name:<30}{:<10}{:<40}", var.r#type, vars::show(var))?;
        }
    }
    writeln!(out, "DOT:\n{}", task.dot)?;
    if !task.node_errors.is_empty() {
        writeln!(out, "Points that could not be used:")?;
        writeln!(out, "{:<20}{:<10}{:<26}Reason", "Node", "Points", "Last")?;
    }
    for (node, errors) in &task.node_errors {
        for error in errors {
            let (points, at) = (error.points, go::rfc822(&error.at));
            writeln!(out, "{node:<20}{points:<10}{at:<26}{}", reason(error))?;
        }
    }
    Ok(())
}

fn reason(error: &NodeError) -> String {
    if error.last.is_empty() { error.reason.clone() } else { format!("{}: {}", error.reason, error.last) }
}
