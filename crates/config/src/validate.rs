//! Checks of the values as a whole, after file, environment and flags were applied. All problems
//! are collected; Kapacitor stops at the first.

mod addresses;
mod discovery;
mod handlers;
mod server;

use crate::problem::{Origin, Problem};
use crate::tables::Config;

/// Every problem with the values of a configuration.
pub(crate) fn validate(config: &Config) -> Vec<Problem> {
    let mut checks = Checks::default();
    server::check(config, &mut checks);
    handlers::check(config, &mut checks);
    discovery::check(config, &mut checks);
    checks.problems
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    problems: Vec<Problem>,
}

impl Checks {
    /// Notes a problem with `key` unless `good`. The message says what must hold.
    fn require(&mut self, good: bool, key: &str, message: impl Into<String>) {
        if !good {
            self.problems.push(Problem {
                origin: Origin::Check,
                key: key.to_owned(),
                message: format!("{key}: {}", message.into()),
                help: None,
            });
        }
    }

    /// Notes a problem if the check gave one.
    fn accept(&mut self, key: &str, result: Result<(), String>) {
        if let Err(message) = result {
            self.require(false, key, message);
        }
    }

    /// The value must be one of `words`, letter case aside.
    fn one_of(&mut self, key: &str, value: &str, words: &[&str]) {
        let known = words.iter().any(|word| word.eq_ignore_ascii_case(value));
        let list = words.iter().filter(|word| !word.is_empty()).map(|word| format!("{word:?}"));
        let list: Vec<String> = list.collect();
        self.require(known, key, format!("{value:?} is not one of {}", list.join(", ")));
    }

    /// The value must not be empty.
    fn filled(&mut self, key: &str, value: &str) {
        self.require(!value.is_empty(), key, "must be set");
    }

    /// The names of a list's elements must differ.
    fn distinct<'a>(&mut self, section: &str, key: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            self.require(seen.insert(name), section, format!("two elements have the {key} {name:?}"));
        }
    }
}
