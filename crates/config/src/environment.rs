//! `KAPACITOR_*` variables: a typed walk over the tables, so that a variable's name is built from
//! the schema and never guessed from its text (`_` separates parts and also stands inside them).

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Origin, Problem};
use crate::setting::Table;
use crate::suggest::nearest;

/// Every variable that overrides the configuration starts so.
const PREFIX: &str = "KAPACITOR";

/// Variables with the prefix that are not configuration: the client's, the launcher's, the
/// container image's.
const FOREIGN: [&str; 6] = [
    "KAPACITOR_URL",
    "KAPACITOR_UNSAFE_SSL",
    "KAPACITOR_CONFIG_PATH",
    "KAPACITOR_OPTS",
    "KAPACITOR_VERSION",
    "KAPACITOR_USER",
];

/// Kubernetes sets these in every pod when a service is called `kapacitor`.
const FOREIGN_PREFIXES: [&str; 2] = ["KAPACITOR_PORT", "KAPACITOR_SERVICE_"];

/// A set of environment variables, taken once so that a load sees one state of them.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The process's variables. Names or values that are not UTF-8 are left out: no setting can
    /// hold them.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable; empty counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables }
    }
}

/// A walk that applies variables to the tables.
#[derive(Debug)]
pub struct EnvWalk<'a> {
    environment: &'a Environment,
    /// Names the schema has, for suggestions.
    asked: BTreeSet<String>,
    /// Names that were set and taken.
    used: BTreeSet<String>,
    path: String,
    problems: Vec<Problem>,
}

/// Applies the environment to `root`. Returns problems and warnings.
pub(crate) fn apply_environment(
    root: &mut dyn Table,
    environment: &Environment,
) -> (Vec<Problem>, Vec<Problem>) {
    let mut walk = EnvWalk {
        environment,
        asked: BTreeSet::new(),
        used: BTreeSet::new(),
        path: String::new(),
        problems: Vec::new(),
    };
    walk.table(root, PREFIX);
    let warnings = walk.unused();
    (walk.problems, warnings)
}

impl EnvWalk<'_> {
    /// Overrides the settings of one table whose variables start with `name`.
    pub(crate) fn table(&mut self, table: &mut dyn Table, name: &str) {
        let fields = table.fields();
        for (field, setting) in fields.iter().zip(table.settings_mut()) {
            let part = field.key.replace('-', "_").to_uppercase();
            self.inside(field.key, |walk| {
                setting.override_from(&format!("{name}_{part}"), field, walk);
                if field.nameless {
                    setting.override_from(&format!("{name}__{part}"), field, walk);
                }
            });
        }
    }

    /// Runs `apply` with `key` at the end of the path.
    pub(crate) fn inside(&mut self, key: &str, apply: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        apply(self);
        self.path.truncate(length);
    }

    /// The value of `name`, if it is set and not empty.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.asked.insert(name.to_owned());
        let value = self.environment.get(name)?.to_owned();
        self.used.insert(name.to_owned());
        Some(value)
    }

    /// All `name_KEY` variables as (KEY, value), the case of KEY kept.
    pub(crate) fn take_entries(&mut self, name: &str) -> Vec<(String, String)> {
        let prefix = format!("{name}_");
        let mut entries = Vec::new();
        for (full, value) in self.environment.variables.range(prefix.clone()..) {
            let Some(rest) = full.strip_prefix(&prefix) else {
                break;
            };
            let key = rest.trim_start_matches('_');
            if key.is_empty() || value.is_empty() {
                continue;
            }
            self.used.insert(full.clone());
            entries.push((key.to_owned(), value.clone()));
        }
        entries
    }

    /// Reports a value that does not fit its setting.
    pub(crate) fn wrong_value(&mut self, name: &str, wanted: &str, value: &str, why: &str) {
        let mut message = format!("cannot apply {name} to {}: {value:?} is not {wanted}", self.path);
        if !why.is_empty() {
            message.push_str(&format!(": {why}"));
        }
        self.problems.push(Problem {
            origin: Origin::Variable(name.to_owned()),
            key: self.path.clone(),
            message,
            help: None,
        });
    }

    /// A warning for each variable with our prefix that matched nothing.
    fn unused(&self) -> Vec<Problem> {
        let set = self.environment.variables.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, _)| name)
            .filter(|name| name.starts_with("KAPACITOR_") && !self.used.contains(*name) && !is_foreign(name))
            .map(|name| Problem {
                origin: Origin::Variable(name.clone()),
                key: String::new(),
                message: format!("environment variable {name} matches no setting and is ignored"),
                help: self.help_for(name),
            })
            .collect()
    }

    fn help_for(&self, name: &str) -> Option<String> {
        let wanted = without_indexes(name);
        if self.asked.iter().any(|known| without_indexes(known) == wanted) {
            return Some("it can override only list elements that the file or the defaults have".to_owned());
        }
        nearest(name, self.asked.iter().map(String::as_str)).map(|known| format!("did you mean {known}?"))
    }
}

fn is_foreign(name: &str) -> bool {
    FOREIGN.contains(&name) || FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The name with every all-digit part replaced, so that names differing only in indexes agree.
fn without_indexes(name: &str) -> String {
    let parts: Vec<&str> = name
        .split('_')
        .map(|part| if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) { "#" } else { part })
        .collect();
    parts.join("_")
}
