//! `kapacitor enable`, `disable` and `reload`: the status of tasks.

use serde_json::json;

use super::Command;
use crate::session::{Failure, Session};
use crate::shapes::Task;

pub(super) const ENABLE: Command = Command {
    name: "enable",
    summary: "Enable and start running a task with live data.",
    usage: "Usage: kapacitor enable [task ID...]

	Start tasks on live data; they start again whenever the server does.

	Each argument is the ID of a task or a glob over IDs:

		$ kapacitor enable cpu_alert
		$ kapacitor enable '*_alert'
",
    flags: &[],
    run: |session, args| set(session, args, ENABLED, "enabling"),
};

pub(super) const DISABLE: Command = Command {
    name: "disable",
    summary: "Stop running a task.",
    usage: "Usage: kapacitor disable [task ID...]

	Stop tasks; they stay defined.

	Each argument is the ID of a task or a glob over IDs:

		$ kapacitor disable cpu_alert
		$ kapacitor disable '*_alert'
",
    flags: &[],
    run: |session, args| set(session, args, DISABLED, "disabling"),
};

pub(super) const RELOAD: Command = Command {
    name: "reload",
    summary: "Reload a running task with an updated task definition.",
    usage: "Usage: kapacitor reload [task ID...]

	Disable tasks and enable them again, so that they run as they are now defined.

	Each argument is the ID of a task or a glob over IDs:

		$ kapacitor reload cpu_alert
		$ kapacitor reload '*_alert'
",
    flags: &[],
    run: |session, args| {
        set(session, args, DISABLED, "disabling")?;
        // What matches nothing has been said once.
        change(session, args, ENABLED, "enabling", find)
    },
};

/// Statuses of a task.
pub(super) const ENABLED: &str = "enabled";
pub(super) const DISABLED: &str = "disabled";

fn set(session: &mut Session<'_>, args: &[String], status: &str, doing: &str) -> Result<(), Failure> {
    change(session, args, status, doing, matching)
}

/// How the tasks of a pattern are looked up.
type Look = fn(&mut Session<'_>, &str) -> Result<Vec<Task>, Failure>;

fn change(
    session: &mut Session<'_>,
    args: &[String],
    status: &str,
    doing: &str,
    look: Look,
) -> Result<(), Failure> {
    if args.is_empty() {
        return Err(Failure::Arguments("Must pass at least one task ID".to_owned()));
    }
    for pattern in args {
        for task in look(session, pattern)? {
            session
                .client
                .update_task(&task.link.href, &json!({ "status": status }))
                .map_err(|error| Failure::Failed(format!("{doing} task {}: {error}", task.id)))?;
        }
    }
    Ok(())
}

/// The tasks that a pattern matches. All are looked up before any is changed, so that a change
/// cannot move one past the page that would have held it.
fn find(session: &mut Session<'_>, pattern: &str) -> Result<Vec<Task>, Failure> {
    session
        .client
        .tasks(pattern, &["link"])
        .map_err(|error| Failure::Failed(format!("listing tasks: {error}")))
}

/// The same, and a word to the user about a pattern that matches none.
pub(super) fn matching(session: &mut Session<'_>, pattern: &str) -> Result<Vec<Task>, Failure> {
    let tasks = find(session, pattern)?;
    if tasks.is_empty() {
        // Kapacitor says nothing here, and a misspelt ID goes unseen.
        writeln!(session.err, "no task matches {pattern}")?;
    }
    Ok(tasks)
}
