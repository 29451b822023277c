//! A delivery: one event on its way to one handler.

use crate::HandlerSpec;
use model::{Event, Level, Name, Time, Value};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The number of a delivery. Grows with time: deliveries in order of their numbers are in the
/// order in which their events were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId(pub u64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a delivery was given up. Stored by number: new reasons go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DropReason {
    /// The receiver refused it for good, or the handler cannot work as it is defined.
    Refused,
    /// It failed as often as its kind of handler may.
    Attempts,
    /// It grew older than the outbox keeps deliveries.
    Age,
    /// Newer deliveries of the same handler needed its place.
    Overflow,
    /// Its kind of handler is switched off (`-disable-handlers`).
    Disabled,
    /// An operator removed it.
    Removed,
}

impl DropReason {
    /// One word for logs and statistics.
    pub fn name(self) -> &'static str {
        match self {
            DropReason::Refused => "refused",
            DropReason::Attempts => "attempts",
            DropReason::Age => "age",
            DropReason::Overflow => "overflow",
            DropReason::Disabled => "disabled",
            DropReason::Removed => "removed",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An event on its way to a handler. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its number.
    pub id: DeliveryId,
    /// The event.
    pub event: Arc<Event>,
    /// The topic through which it goes.
    pub topic: Name,
    /// The handler as it was defined when the event was taken.
    pub handler: Arc<HandlerSpec>,
    /// Level of the event in this topic before it.
    pub previous_level: Level,
    /// When the event was taken, nanoseconds since the Unix epoch.
    pub created: Time,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before this time, nanoseconds since the Unix epoch; 0 for at once.
    pub next_at: Time,
}

impl Delivery {
    /// The event as JSON, without a newline.
    pub fn payload(&self) -> Vec<u8> {
        crate::event_json(&self.event, self.previous_level)
    }

    /// What a receiver may recognise a repeated delivery by: identity, topic and handler in
    /// ASCII, `3-1207-0/main:cpu:alert2/post0`. Whatever could not stand in an HTTP header or an
    /// environment variable is percent-encoded.
    pub fn key(&self) -> String {
        let mut key = format!("{}/", self.event.identity);
        encode(&mut key, &self.topic);
        key.push('/');
        encode(&mut key, &self.handler.id);
        key
    }

    /// About how many bytes of memory the event takes.
    pub fn bytes(&self) -> u64 {
        event_bytes(&self.event)
    }
}

fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The beginning of a text, at most `bytes_max` bytes: error texts come from outside.
pub fn clip(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What an event counts for in queues: about the memory it takes, the same number on every member.
pub fn event_bytes(event: &Event) -> u64 {
    const FIXED: usize = 256;
    let state = &event.state;
    let texts = state.id.len() + state.message.len() + state.details.len();
    let names = event.name.len() + event.task.len() + event.group.len() + event.category.len();
    let topics: usize = event.topics.iter().map(|topic| topic.len() + 16).sum();
    let fields: usize = event.fields.iter().map(|(name, value)| name.len() + value_bytes(value)).sum();
    let data: usize = event.data.iter().map(row_bytes).sum();
    let via: usize = event.via.iter().map(|name| name.len() + 16).sum();
    (FIXED + via + texts + names + topics + event.tags.as_bytes().len() + fields + data) as u64
}

fn row_bytes(row: &model::Row) -> usize {
    let columns: usize = row.columns.iter().map(|name| name.len() + 16).sum();
    let cells: usize = row.values.iter().flatten().map(|cell| cell.as_ref().map_or(24, value_bytes)).sum();
    row.name.len() + row.tags.as_bytes().len() + columns + cells + row.values.len() * 24
}

fn value_bytes(value: &Value) -> usize {
    24 + if let Value::Str(text) = value { text.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::{clip, encode};

    #[test]
    fn clips_between_characters() {
        for (text, bytes_max, expected) in
            [("aö", 3, "aö"), ("aö", 2, "a"), ("ö", 1, ""), ("", 5, ""), ("ab", 0, "")]
        {
            assert_eq!(clip(text, bytes_max), expected);
        }
    }

    #[test]
    fn keys_are_plain_ascii() {
        for (text, expected) in
            [("main:cpu:alert2", "main:cpu:alert2"), ("a b/c%", "a%20b%2Fc%25"), ("ö\n", "%C3%B6%0A")]
        {
            let mut key = String::new();
            encode(&mut key, text);
            assert_eq!(key, expected);
        }
    }
}
