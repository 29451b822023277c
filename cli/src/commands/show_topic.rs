//! `kapacitor show-topic`: one topic with its handlers and events.

use super::Command;
use super::list::widest;
use crate::go;
use crate::session::{Failure, Session};

pub(super) const SHOW_TOPIC: Command = Command {
    name: "show-topic",
    summary: "Display detailed information about an alert topic.",
    usage: "Usage: kapacitor show-topic [topic ID]\n\n\tShow one topic: its level, its handlers and the last state of its events.\n",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let [id] = args else {
        return Err(Failure::Arguments("Must specify one topic ID".to_owned()));
    };
    let topic = session.client.topic(id)?;
    let mut events = session.client.topic_events(&topic.events_link.href)?;
    events.sort_by_key(|event| moment(&event.state.time));
    let handlers = session.client.topic_handlers(&topic.handlers_link.href, "")?;
    let handlers: Vec<&str> = handlers.iter().map(|handler| handler.id.as_str()).collect();
    let event = 1 + widest(5, events.iter().map(|event| event.id.as_str()));
    let message = 1 + widest(7, events.iter().map(|event| event.state.message.as_str()));
    let out = &mut session.out;
    writeln!(out, "ID: {}", topic.id)?;
    writeln!(out, "Level: {}", topic.level)?;
    writeln!(out, "Collected: {}", topic.collected)?;
    writeln!(out, "Handlers: [{}]", handlers.join(", "))?;
    writeln!(out, "Events:")?;
    writeln!(out, "{:<event$}{:<9}{:<message$}{:<23}", "Event", "Level", "Message", "Date")?;
    for row in &events {
        let date = go::rfc822_in(&row.state.time, &session.surroundings.zone);
        writeln!(out, "{:<event$}{:<9}{:<message$}{date:<23}", row.id, row.state.level, row.state.message)?;
    }
    Ok(())
}

/// A time for sorting; what is no time comes first.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}
