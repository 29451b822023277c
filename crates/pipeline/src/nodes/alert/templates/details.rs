//! The details that events have by default, `{{ json . }}`, written without walking the data by the
//! names of its fields: each event has these details, and they are most of what it costs. The keys
//! stand here as HTML text holds them.

use super::MessageInfo;
use crate::node::Server;
use model::Value;
use template::Encoded;
use template::json::in_html::{QUOTE, put_float, put_string};
use template::number::{format_int, format_time_rfc3339nano};

/// Appends what `{{ json . }}` shows of an event, less the newline.
pub(super) fn put(out: &mut String, info: &MessageInfo<'_>, message: &str) -> Encoded {
    let (subject, happening) = (&info.id_info.subject, &info.happening);
    out.push_str("{&#34;Name&#34;:");
    put_string(out, subject.name);
    out.push_str(",&#34;TaskName&#34;:");
    put_string(out, subject.task);
    out.push_str(",&#34;Group&#34;:");
    put_string(out, subject.shown_group());
    out.push_str(",&#34;Tags&#34;:{");
    for (at, (key, value)) in subject.tags.iter().enumerate() {
        put_key(out, at, key);
        put_string(out, value);
    }
    out.push_str("},&#34;ServerInfo&#34;:");
    out.push_str(&info.id_info.server.in_html);
    out.push_str(",&#34;ID&#34;:");
    put_string(out, info.id);
    out.push_str(",&#34;Fields&#34;:{");
    for (at, (name, value)) in happening.fields.iter().enumerate() {
        put_key(out, at, name);
        if let Err(impossible) = put_value(out, value) {
            return Encoded::Impossible(impossible);
        }
    }
    out.push_str("},&#34;Level&#34;:");
    put_string(out, happening.level.name());
    out.push_str(",&#34;Time&#34;:");
    put_time(out, happening.time);
    out.push_str(",&#34;Duration&#34;:");
    format_int(out, happening.duration);
    out.push_str(",&#34;Message&#34;:");
    put_string(out, message);
    out.push('}');
    Encoded::Written
}

/// What the same shows of the server.
pub(super) fn server(server: &Server) -> String {
    let mut out = String::new();
    let texts =
        [("Hostname", &server.hostname), ("ClusterID", &server.cluster_id), ("ServerID", &server.server_id)];
    out.push('{');
    for (at, (key, text)) in texts.into_iter().enumerate() {
        put_key(&mut out, at, key);
        put_string(&mut out, text);
    }
    out.push('}');
    out
}

fn put_key(out: &mut String, at: usize, key: &str) {
    if at > 0 {
        out.push(',');
    }
    put_string(out, key);
    out.push(':');
}

/// Fails with a number that JSON cannot hold.
fn put_value(out: &mut String, value: &Value) -> Result<(), f64> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Float(value) if !put_float(out, *value) => return Err(*value),
        Value::Float(_) => {}
        Value::Int(value) | Value::Duration(value) => format_int(out, *value),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Str(text) => put_string(out, text),
        Value::Time(time) => put_time(out, *time),
    }
    Ok(())
}

/// The text of a time holds nothing that either escapes.
fn put_time(out: &mut String, time: i64) {
    out.push_str(QUOTE);
    format_time_rfc3339nano(out, time);
    out.push_str(QUOTE);
}

#[cfg(test)]
mod tests;
