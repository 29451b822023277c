//! `kapacitor delete`.

use super::{Command, switch};
use crate::session::{Failure, Session};

pub(super) const DELETE: Command = Command {
    name: "delete",
    summary: "Delete tasks.",
    usage: "Usage: kapacitor delete tasks [ID or pattern]...

	Delete tasks; a running one is stopped first.

	Each argument is the ID of a task or a glob over IDs:

		$ kapacitor delete tasks my_task
		$ kapacitor delete tasks '*_alert'
",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let [kind, patterns @ ..] = args else {
        return Err(Failure::Arguments("Must pass at least one ID".to_owned()));
    };
    if patterns.is_empty() {
        return Err(Failure::Arguments("Must pass at least one ID".to_owned()));
    }
    if kind != "tasks" {
        return Err(Failure::Failed(format!("cannot delete '{kind}' did you mean 'tasks'?")));
    }
    for pattern in patterns {
        for task in switch::matching(session, pattern)? {
            session.client.delete(&task.link.href)?;
        }
    }
    Ok(())
}
