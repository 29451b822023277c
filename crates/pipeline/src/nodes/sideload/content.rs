//! What a source holds: for each place, values by key.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The values of a source that a node can use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Content(BTreeMap<String, BTreeMap<String, Datum>>);

/// A value. All numbers are floats, as Go reads JSON, and YAML by way of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Datum {
    /// As good as nothing, but ends the search.
    Null,
    /// A number.
    Number(f64),
    /// true or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// A list.
    List,
    /// Keys with values.
    Map,
}

impl Datum {
    /// Go's name of its type.
    pub fn go_type(&self) -> &'static str {
        match self {
            Datum::Null => "<nil>",
            Datum::Number(_) => "float64",
            Datum::Bool(_) => "bool",
            Datum::Text(_) => "string",
            Datum::List => "[]interface {}",
            Datum::Map => "map[string]interface {}",
        }
    }
}

impl From<&serde_json::Value> for Datum {
    fn from(value: &serde_json::Value) -> Datum {
        use serde_json::Value;
        match value {
            Value::Null => Datum::Null,
            Value::Bool(truth) => Datum::Bool(*truth),
            Value::Number(number) => Datum::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Datum::Text(text.clone()),
            Value::Array(_) => Datum::List,
            Value::Object(_) => Datum::Map,
        }
    }
}

impl Content {
    /// Adds a place with those of its values that are wanted. A place that is there already is replaced.
    pub fn add(&mut self, place: &str, values: impl IntoIterator<Item = (String, Datum)>, keys: &[String]) {
        let wanted = values.into_iter().filter(|(key, _)| keys.binary_search(key).is_ok());
        self.0.insert(place.to_owned(), wanted.collect());
    }

    /// Reads the answer of an HTTP source: an object of places, each an object of values.
    pub fn of_places(json: &[u8], keys: &[String]) -> Result<Content, String> {
        let failed = |why: String| format!("failed to unmarshal json values in response body: {why}");
        let places: BTreeMap<String, Option<serde_json::Map<String, serde_json::Value>>> =
            serde_json::from_slice(json).map_err(|error| failed(error.to_string()))?;
        let mut content = Content::default();
        for (place, values) in places {
            content.add(&place, of_object(&values.unwrap_or_default()), keys);
        }
        Ok(content)
    }

    /// The first value of a key in that order of places.
    pub fn lookup(&self, order: &[String], key: &str) -> Option<&Datum> {
        let found = order.iter().find_map(|place| self.0.get(place)?.get(key));
        found.filter(|datum| **datum != Datum::Null)
    }

    /// The places.
    pub fn places(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// As bytes, for a shard's log.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain values always encode")
    }

    /// From [`Self::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Content, String> {
        postcard::from_bytes(bytes).map_err(|error| error.to_string())
    }
}

/// The values of a JSON object.
pub fn of_object(object: &serde_json::Map<String, serde_json::Value>) -> Vec<(String, Datum)> {
    object.iter().map(|(key, value)| (key.clone(), Datum::from(value))).collect()
}

/// A key as Kapacitor looks for it: as a path without detours (Go's `filepath.Clean`).
pub(super) fn clean(key: &str) -> String {
    let rooted = key.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in key.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".into(),
        (false, path) => path,
    }
}
