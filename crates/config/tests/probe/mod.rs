//! Looking a value up by its dotted key, the way messages name it.

use config::{Config, Setting, Shape};

/// The value at `path` (such as `influxdb[0].urls`) as TOML text; a number of elements for a list
/// of tables; `absent` for an unset option. Panics on a key that does not exist: the test is wrong.
pub fn probe(config: &Config, path: &str) -> String {
    let mut setting: &dyn Setting = config;
    let mut shape = setting.shape();
    for part in path.split('.') {
        let (key, index) = match part.split_once('[') {
            Some((key, rest)) => (key, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        shape = match shape {
            Shape::Table(table) => {
                let at = table.fields().iter().position(|field| field.key == key);
                setting = table.settings()[at.unwrap_or_else(|| panic!("no key {part} in {path}"))];
                setting.shape()
            }
            Shape::Map(entries) => {
                let found = entries.into_iter().find(|(name, _)| name == key);
                return found.map_or("absent".to_owned(), |(_, value)| value.to_string());
            }
            Shape::TableMap(entries) => {
                let found = entries.into_iter().find(|(name, _)| name == key);
                Shape::Table(found.unwrap_or_else(|| panic!("no entry {part} in {path}")).1)
            }
            other => panic!("{path}: {part} lies in {other:?}"),
        };
        if let Some(index) = index {
            shape = match shape {
                Shape::Tables(elements) => Shape::Table(elements[index]),
                other => panic!("{path}: {part} is {other:?}"),
            };
        }
    }
    match shape {
        Shape::Plain(value) => value.to_string(),
        Shape::Absent => "absent".to_owned(),
        Shape::Map(entries) => format!("{} entries", entries.len()),
        Shape::Tables(elements) => format!("{} elements", elements.len()),
        other => panic!("{path} is {other:?}"),
    }
}
