//! `kapacitor list`: tasks, topics and handlers in columns.

use super::Command;
use crate::dbrp;
use crate::session::{Failure, Session};

pub(super) const LIST: Command = Command {
    name: "list",
    summary: "List information about tasks, topics or topic-handlers.",
    usage: "Usage: kapacitor list (tasks|topics|topic-handlers) [ID or pattern]...

	List tasks, topics or handlers with their current state; all of them without a pattern.

	Handlers belong to topics, so that a pattern over topics comes before those over handlers:

		$ kapacitor list topic-handlers [topic ID or pattern] [ID or pattern]...

	All handlers of the topic 'system', and those whose ID begins with 'email':

		$ kapacitor list topic-handlers system
		$ kapacitor list topic-handlers system 'email*'
",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let Some((kind, patterns)) = args.split_first() else {
        return Err(Failure::Arguments("Must specify 'tasks', 'topics', or 'topic-handlers'".to_owned()));
    };
    let mut patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    if patterns.is_empty() {
        patterns.push("");
    }
    match kind.as_str() {
        "tasks" => tasks(session, &patterns),
        "topics" => topics(session, &patterns),
        "topic-handlers" => topic_handlers(session, &patterns),
        _ => Err(Failure::Failed(format!(
            "cannot list '{kind}' did you mean 'tasks', 'topics' or 'topic-handlers'?"
        ))),
    }
}

fn tasks(session: &mut Session<'_>, patterns: &[&str]) -> Result<(), Failure> {
    let mut tasks = Vec::new();
    for pattern in patterns {
        tasks.extend(session.client.tasks(pattern, &["type", "status", "executing", "dbrps"])?);
    }
    tasks.sort_by(|a, b| a.id.cmp(&b.id));
    let id = 1 + widest(2, tasks.iter().map(|task| task.id.as_str()));
    let out = &mut session.out;
    writeln!(
        out,
        "{:<id$}{:<10}{:<10}{:<10}Databases and Retention Policies",
        "ID", "Type", "Status", "Executing"
    )?;
    for task in &tasks {
        let pairs = dbrp::show_all(task.dbrps.as_deref().unwrap_or_default());
        writeln!(out, "{:<id$}{:<10}{:<10}{:<10}{pairs}", task.id, task.r#type, task.status, task.executing)?;
    }
    Ok(())
}

fn topics(session: &mut Session<'_>, patterns: &[&str]) -> Result<(), Failure> {
    let mut topics = Vec::new();
    for pattern in patterns {
        topics.extend(session.client.topics(pattern)?);
    }
    let id = 1 + widest(2, topics.iter().map(|topic| topic.id.as_str()));
    let level = 1 + widest(8, topics.iter().map(|topic| topic.level.as_str()));
    let out = &mut session.out;
    writeln!(out, "{:<id$}{:<level$}{:>10}", "ID", "Level", "Collected")?;
    for topic in &topics {
        writeln!(out, "{:<id$}{:<level$}{:>10}", topic.id, topic.level, topic.collected)?;
    }
    Ok(())
}

fn topic_handlers(session: &mut Session<'_>, patterns: &[&str]) -> Result<(), Failure> {
    let (topic_pattern, patterns) = match patterns {
        [topic, rest @ ..] if !rest.is_empty() => (*topic, rest),
        [topic, ..] => (*topic, [""].as_slice()),
        [] => ("", [""].as_slice()),
    };
    let mut rows = Vec::new();
    for topic in session.client.topics(topic_pattern)? {
        for pattern in patterns {
            for handler in session.client.topic_handlers(&topic.handlers_link.href, pattern)? {
                rows.push((topic.id.clone(), handler.id, handler.kind));
            }
        }
    }
    let topic = 1 + widest(10, rows.iter().map(|row| row.0.as_str()));
    let id = 1 + widest(10, rows.iter().map(|row| row.1.as_str()));
    let kind = 1 + widest(10, rows.iter().map(|row| row.2.as_str()));
    let out = &mut session.out;
    writeln!(out, "{:<topic$}{:<id$}{:<kind$}", "Topic", "ID", "Kind")?;
    for row in &rows {
        writeln!(out, "{:<topic$}{:<id$}{:<kind$}", row.0, row.1, row.2)?;
    }
    Ok(())
}

/// The width of a column: at least that of its head. Kapacitor counts bytes.
pub(super) fn widest<'a>(head: usize, cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(str::len).fold(head, usize::max)
}
