//! The JSON of events and rows, byte for byte what Kapacitor's handlers and httpOut send.

use crate::json;
use model::{Event, Level, Row};
use template::number::format_int;

/// The JSON of an event, without a newline. `previous_level` is the level of the event before it
/// in the topic through which it goes (an event that goes to two topics may have two).
pub fn event_json(event: &Event, previous_level: Level) -> Vec<u8> {
    let state = &event.state;
    let mut out = Vec::with_capacity(256 + state.id.len() + state.message.len() + state.details.len());
    out.extend_from_slice(b"{\"id\":");
    json::string(&mut out, &state.id);
    out.extend_from_slice(b",\"message\":");
    json::string(&mut out, &state.message);
    out.extend_from_slice(b",\"details\":");
    json::string(&mut out, &state.details);
    out.extend_from_slice(b",\"time\":");
    json::time(&mut out, state.time);
    out.extend_from_slice(b",\"duration\":");
    format_int(&mut out, state.duration);
    level(&mut out, "level", state.level);
    out.extend_from_slice(b",\"data\":");
    result_json(&event.data, &mut out);
    level(&mut out, "previousLevel", previous_level);
    out.extend_from_slice(b",\"recoverable\":");
    out.extend_from_slice(if event.recoverable { b"true}" } else { b"false}" });
    out
}

fn level(out: &mut Vec<u8>, key: &str, level: Level) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":\"");
    out.extend_from_slice(level.name().as_bytes());
    out.push(b'"');
}

/// Appends `{"series":[...]}`; without rows the list is null, as Go writes an unset list.
pub fn result_json(rows: &[Row], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"series\":");
    if rows.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        list(out, rows, |out, row| row_json(row, out));
    }
    out.push(b'}');
}

/// Appends one row: `name`, `tags`, `columns`, `values` in this order, the empty ones left out.
pub fn row_json(row: &Row, out: &mut Vec<u8>) {
    out.push(b'{');
    if !row.name.is_empty() {
        key(out, "name");
        json::string(out, &row.name);
    }
    if !row.tags.is_empty() {
        key(out, "tags");
        tags_json(row, out);
    }
    if !row.columns.is_empty() {
        key(out, "columns");
        list(out, &row.columns, |out, column| json::string(out, column));
    }
    if !row.values.is_empty() {
        key(out, "values");
        list(out, &row.values, |out, cells| {
            list(out, cells, |out, cell| match cell {
                Some(value) => json::value(out, value),
                None => out.extend_from_slice(b"null"),
            });
        });
    }
    out.push(b'}');
}

fn tags_json(row: &Row, out: &mut Vec<u8>) {
    let mut open = b'{';
    for (name, value) in row.tags.iter() {
        out.push(open);
        json::string(out, name);
        out.push(b':');
        json::string(out, value);
        open = b',';
    }
    out.push(b'}');
}

fn key(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        put(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{EventState, Identity, TagSet, Value};

    fn row(name: &str, tags: &[(&str, &str)], columns: &[&str], values: Vec<Vec<Option<Value>>>) -> Row {
        Row {
            name: name.into(),
            tags: TagSet::new(tags.iter().copied()),
            columns: columns.iter().map(|c| (*c).into()).collect(),
            values,
        }
    }

    #[test]
    fn rows() {
        for (row, expected) in [
            (row("", &[], &[], vec![]), "{}"),
            (row("cpu", &[], &[], vec![]), r#"{"name":"cpu"}"#),
            (
                row(
                    "cpu",
                    &[("host", "a<b"), ("az", "1")],
                    &["time", "value"],
                    vec![
                        vec![Some(Value::Time(0)), Some(Value::Float(97.5))],
                        vec![Some(Value::Time(1)), None],
                    ],
                ),
                r#"{"name":"cpu","tags":{"az":"1","host":"a\u003cb"},"columns":["time","value"],"values":[["1970-01-01T00:00:00Z",97.5],["1970-01-01T00:00:00.000000001Z",null]]}"#,
            ),
        ] {
            let mut out = Vec::new();
            row_json(&row, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn events() {
        let mut event = Event {
            identity: Identity::default(),
            topics: vec![],
            state: EventState {
                id: "cpu:nil".into(),
                message: "cpu:nil is CRITICAL".into(),
                details: "<b>".into(),
                time: 1_447_000_000_000_000_000,
                duration: 60_000_000_000,
                level: Level::Critical,
            },
            previous_level: Level::Ok,
            recoverable: true,
            name: "cpu".into(),
            task: "t".into(),
            group: "".into(),
            category: "".into(),
            tags: TagSet::empty(),
            fields: vec![],
            data: vec![row(
                "cpu",
                &[],
                &["time", "v"],
                vec![vec![Some(Value::Time(0)), Some(Value::Int(3))]],
            )],
            node: "alert2".into(),
            purpose: model::Purpose::Alert,
            inhibits: None,
            via: vec![],
        };
        assert_eq!(
            String::from_utf8_lossy(&event_json(&event, Level::Warning)),
            concat!(
                r#"{"id":"cpu:nil","message":"cpu:nil is CRITICAL","details":"\u003cb\u003e","time":"2015-11-08T16:26:40Z","#,
                r#""duration":60000000000,"level":"CRITICAL","data":{"series":[{"name":"cpu","columns":["time","v"],"#,
                r#""values":[["1970-01-01T00:00:00Z",3]]}]},"previousLevel":"WARNING","recoverable":true}"#
            )
        );
        event.data.clear();
        event.recoverable = false;
        let text = String::from_utf8(event_json(&event, Level::Ok)).expect("UTF-8");
        assert!(
            text.ends_with(r#""data":{"series":null},"previousLevel":"OK","recoverable":false}"#),
            "{text}"
        );
    }
}
