//! Which names tasks, topics and handlers may have.

use crate::Error;
use regex::Regex;
use std::sync::LazyLock;

// Letters of any script but no marks: `char::is_alphabetic` would admit more than Kapacitor does.
static ID: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[-._\p{L}0-9]+$").ok());
static TOPIC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[-:._\p{L}0-9]+$").ok());

fn fits(pattern: &Option<Regex>, name: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
}

/// A topic that handlers are registered on: letters and digits of any script, `-`, `:`, `.`, `_`.
pub fn check_topic_name(name: &str) -> Result<(), Error> {
    if fits(&TOPIC, name) { Ok(()) } else { Err(Error::TopicName(name.to_owned())) }
}

/// The id of a handler: letters and digits of any script, `-`, `.`, `_`.
pub fn check_handler_id(id: &str) -> Result<(), Error> {
    if fits(&ID, id) { Ok(()) } else { Err(Error::HandlerId(id.to_owned())) }
}

/// The id of a task (and of a template): letters and digits of any script, `-`, `.`, `_`.
pub fn check_task_id(id: &str) -> Result<(), Error> {
    if fits(&ID, id) { Ok(()) } else { Err(Error::TaskId(id.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, id, topic) in [
            ("cpu", true, true),
            ("cpu-1.5_x", true, true),
            ("main:cpu_alert:alert2", false, true),
            ("größe", true, true),
            ("温度", true, true),
            ("", false, false),
            ("a b", false, false),
            ("a/b", false, false),
            ("a\n", false, false),
            ("e\u{301}", false, false),
            ("٣", false, false),
        ] {
            assert_eq!(check_handler_id(name).is_ok(), id, "{name:?} as handler");
            assert_eq!(check_task_id(name).is_ok(), id, "{name:?} as task");
            assert_eq!(check_topic_name(name).is_ok(), topic, "{name:?} as topic");
        }
        assert_eq!(
            check_task_id("a b").unwrap_err().to_string(),
            "task ID must contain only letters, numbers, '-', '.' and '_'. \"a b\""
        );
    }
}
