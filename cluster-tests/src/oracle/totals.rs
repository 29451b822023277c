//! How many points the tasks have counted, from their endpoints.

use crate::member::Member;
use crate::tasks::{TOTALS, WHOLE};
use serde_json::Value;
use std::collections::BTreeMap;

/// Points counted, by task and group (`host=h1`, nothing for the whole).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(pub BTreeMap<(String, String), u64>);

impl Totals {
    /// Asks a member. It must know all groups, whatever member counts them.
    pub fn ask(member: &Member) -> Result<Totals, String> {
        let mut totals = Totals::default();
        for (task, endpoint) in TOTALS {
            let shown = member.json(&format!("/kapacitor/v1/tasks/{task}/{endpoint}"))?;
            for row in shown["series"].as_array().into_iter().flatten() {
                let (group, count) = read(row).ok_or_else(|| format!("{task}/{endpoint} shows {row}"))?;
                // A row without groups has the tags of its last point.
                let group = if task == WHOLE { String::new() } else { group };
                if totals.0.insert((task.to_owned(), group.clone()), count).is_some() {
                    return Err(format!("{task}/{endpoint} shows group {group:?} twice"));
                }
            }
        }
        Ok(totals)
    }

    /// Says what is not counted yet; every count of the other must be reached.
    pub fn reach(&self, expected: &Totals) -> Result<(), String> {
        let short = expected.0.iter().filter(|((task, group), count)| self.of(task, group) < **count);
        let short: Vec<String> = short
            .map(|((task, group), count)| format!("{task} {} of {count} of {group:?}", self.of(task, group)))
            .collect();
        if short.is_empty() { Ok(()) } else { Err(format!("it has counted {}", short.join(", "))) }
    }

    /// Points counted by a task in a group.
    pub fn of(&self, task: &str, group: &str) -> u64 {
        self.0.get(&(task.to_owned(), group.to_owned())).copied().unwrap_or(0)
    }
}

fn read(row: &Value) -> Option<(String, u64)> {
    let tags = row["tags"].as_object().into_iter().flatten();
    let tags: Vec<String> =
        tags.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    let column = row["columns"].as_array()?.iter().position(|name| name == "n")?;
    let count = row["values"].as_array()?.last()?.get(column)?.as_u64()?;
    Some((tags.join(","), count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_read_from_rows() {
        let row =
            json!({"name": "cpu", "tags": {"host": "h1"}, "columns": ["time", "n"], "values": [["t", 7]]});
        assert_eq!(read(&row), Some(("host=h1".to_owned(), 7)));
        let row = json!({"name": "cpu", "columns": ["time", "n"], "values": [["t", 9]]});
        assert_eq!(read(&row), Some((String::new(), 9)));
        assert_eq!(read(&json!({"name": "cpu", "columns": ["time"], "values": [["t"]]})), None);
    }

    #[test]
    fn a_count_that_is_not_reached_is_named() {
        let totals = |count| Totals([(("total".to_owned(), String::new()), count)].into());
        assert_eq!(totals(5).reach(&totals(5)), Ok(()));
        assert_eq!(totals(6).reach(&totals(5)), Ok(()));
        assert!(totals(4).reach(&totals(5)).is_err_and(|why| why.contains("total 4 of 5 of")));
        assert!(Totals::default().reach(&totals(5)).is_err());
    }
}
