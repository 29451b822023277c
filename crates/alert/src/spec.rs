//! The definition of a handler on a topic.

use crate::role::Role;
use crate::{Error, Matcher, check_handler_id};
use model::Name;
use serde::{Deserialize, Serialize};

/// The options of a handler as the user gave them.
pub type Options = serde_json::Map<String, serde_json::Value>;

/// A handler on a topic: of the API, of the load folder, or of an alert node
/// (`.log('/tmp/x')`). The topic is named by whoever holds the definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandlerSpec {
    /// Unique on its topic.
    pub id: Name,
    /// Which of the handler kinds: `log`, `post`, ...
    pub kind: Name,
    /// Its options; checked by the `handler` crate, which knows the kinds.
    #[serde(with = "json_text")]
    pub options: Options,
    /// A lambda expression that an event must satisfy; empty for every event.
    pub matching: String,
}

impl HandlerSpec {
    /// A handler for every event.
    pub fn new(id: &str, kind: &str, options: Options) -> HandlerSpec {
        HandlerSpec { id: id.into(), kind: kind.into(), options, matching: String::new() }
    }

    /// Checks id, kind and match expression, and the options of those that are carried out here; all
    /// other options are the `handler` crate's to check.
    pub fn check(&self) -> Result<(), Error> {
        check_handler_id(&self.id)?;
        if self.kind.is_empty() {
            return Err(Error::NoKind);
        }
        if !self.matching.is_empty() {
            Matcher::compile(&self.matching)?;
        }
        Role::of(self).map(|_| ())
    }
}

/// Options inside binary records: JSON values describe themselves, our binary encoding does not,
/// so they travel as their text.
mod json_text {
    use super::Options;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(options: &Options, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(options).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Options, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(de::Error::custom)
    }
}
