//! The one event that an `aggregate` handler makes of those that came in an interval.

use crate::Delivery;
use crate::role::Aggregate;
use model::{Event, EventState, Identity, Level, Name, Purpose, TagSet, Time};

/// The shard in the identity of events that no shard made.
pub const NO_SHARD: u32 = u32::MAX;

/// As an event names a handler that made it ([`Event::via`]).
pub fn via(topic: &str, handler: &str) -> Name {
    format!("{topic}/{handler}").into()
}

/// Makes one event of deliveries to an aggregate handler, in their order: the worst level, the
/// latest time, the longest duration, all messages as its details and all data. `index` tells it
/// from all others that were ever made so. `None` without deliveries.
pub fn aggregate(handler: &Aggregate, index: u64, waiting: &[Delivery]) -> Option<Event> {
    let first = waiting.first()?;
    let states = || waiting.iter().map(|delivery| &delivery.event.state);
    let messages: Vec<&str> = states().map(|state| state.message.as_str()).collect();
    let mut through = vec![via(&first.topic, &first.handler.id)];
    through.extend(waiting.iter().flat_map(|delivery| delivery.event.via.iter().cloned()));
    through.sort();
    through.dedup();
    Some(Event {
        identity: Identity { shard: NO_SHARD, index, sequence: 0 },
        topics: vec![handler.topic.clone()],
        state: EventState {
            id: handler.id.clone(),
            message: handler.message(waiting.len()),
            details: messages.join("\n"),
            time: states().map(|state| state.time).max().unwrap_or(Time::MIN),
            duration: states().map(|state| state.duration).max().unwrap_or(0).max(0),
            level: states().map(|state| state.level).max().unwrap_or(Level::Ok),
        },
        previous_level: Level::Ok,
        // As Kapacitor has it, which knows nothing of the alerts by then.
        recoverable: false,
        name: "".into(),
        task: "".into(),
        group: "".into(),
        category: "".into(),
        tags: TagSet::empty(),
        fields: Vec::new(),
        data: waiting.iter().flat_map(|delivery| delivery.event.data.iter().cloned()).collect(),
        node: "".into(),
        purpose: Purpose::Alert,
        inhibits: None,
        via: through,
    })
}
