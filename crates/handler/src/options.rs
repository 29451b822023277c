//! The options of a handler: checked against what its kind declares, read with their types.

mod go;

use crate::Error;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// The type of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// true or false.
    Flag,
    /// Nanoseconds as a number, or a duration such as `"10s"`.
    Duration,
    /// The permission bits of a file: a number, or octal digits as a string.
    Mode,
    /// An object whose values are strings.
    Map,
}

impl OptionKind {
    /// What a value must be, in words.
    pub fn expected(self) -> &'static str {
        match self {
            OptionKind::Text => "a string",
            OptionKind::Texts => "a list of strings",
            OptionKind::Flag => "true or false",
            OptionKind::Duration => "a duration, in nanoseconds or as a string such as \"10s\"",
            OptionKind::Mode => "a file mode, as a number or as a string of octal digits such as \"0644\"",
            OptionKind::Map => "an object whose values are strings",
        }
    }
}

/// An option that a kind of handler takes.
#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    /// Its name in a topic handler's options.
    pub name: &'static str,
    /// Its type.
    pub kind: OptionKind,
    /// What it does, one line.
    pub summary: &'static str,
}

/// The options of one handler, all of them known to its kind.
#[derive(Debug)]
pub struct Options<'a> {
    kind: &'static str,
    values: BTreeMap<&'static str, &'a Value>,
}

impl<'a> Options<'a> {
    /// Checks names and types. As in Kapacitor letter case does not matter and null is as good as
    /// nothing. `config` is what its errors call the options.
    pub fn check(
        kind: &'static str,
        config: &'static str,
        defs: &'static [OptionDef],
        given: &'a Map<String, Value>,
    ) -> Result<Options<'a>, Error> {
        let (mut values, mut unknown, mut problems) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (name, value) in given {
            let def = defs.iter().find(|def| def.name.eq_ignore_ascii_case(name));
            let Some(def) = def else {
                unknown.push(name.as_str());
                continue;
            };
            if !value.is_null() {
                problems.extend(go::unfit(def.name, def.kind, value));
                values.insert(def.name, value);
            }
        }
        if !unknown.is_empty() {
            unknown.sort_unstable();
            problems.push(format!("'' has invalid keys: {}", unknown.join(", ")));
        }
        problems.sort();
        if problems.is_empty() {
            Ok(Options { kind, values })
        } else {
            Err(Error::Decode { config, problems })
        }
    }

    fn read<T>(
        &self,
        option: &'static str,
        kind: OptionKind,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.values.get(option) else {
            return Ok(None);
        };
        let wrong = Error::OptionType { kind: self.kind, option, expected: kind.expected() };
        read(value).map(Some).ok_or(wrong)
    }

    /// A string; empty when it is not given.
    pub fn text(&self, option: &'static str) -> Result<String, Error> {
        Ok(self
            .read(option, OptionKind::Text, |value| value.as_str().map(str::to_owned))?
            .unwrap_or_default())
    }

    /// A string that must be given and not be empty.
    pub fn needed_text(&self, option: &'static str) -> Result<String, Error> {
        let text = self.text(option)?;
        if text.is_empty() { Err(Error::Missing { kind: self.kind, option }) } else { Ok(text) }
    }

    /// A list of strings; empty when it is not given.
    pub fn texts(&self, option: &'static str) -> Result<Vec<String>, Error> {
        let read = |value: &Value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        };
        Ok(self.read(option, OptionKind::Texts, read)?.unwrap_or_default())
    }

    /// true or false; false when it is not given.
    pub fn flag(&self, option: &'static str) -> Result<bool, Error> {
        Ok(self.read(option, OptionKind::Flag, Value::as_bool)?.unwrap_or_default())
    }

    /// A time span.
    pub fn duration(&self, option: &'static str) -> Result<Option<Duration>, Error> {
        self.read(option, OptionKind::Duration, |value| {
            let nanos = match value {
                Value::String(text) => tick::duration::parse_influx(text).ok()?,
                value => value.as_i64()?,
            };
            u64::try_from(nanos).ok().map(Duration::from_nanos)
        })
    }

    /// The permission bits of a file.
    pub fn mode(&self, option: &'static str) -> Result<Option<u32>, Error> {
        self.read(option, OptionKind::Mode, |value| {
            let mode = match value {
                Value::String(text) => u32::from_str_radix(text, 8).ok()?,
                value => u32::try_from(value.as_i64()?).ok()?,
            };
            (mode <= 0o7777).then_some(mode)
        })
    }

    /// Names with strings; empty when it is not given.
    pub fn map(&self, option: &'static str) -> Result<BTreeMap<String, String>, Error> {
        let read = |value: &Value| {
            let pairs = value.as_object()?.iter();
            pairs.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()
        };
        Ok(self.read(option, OptionKind::Map, read)?.unwrap_or_default())
    }
}
