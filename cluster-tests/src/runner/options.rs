//! The options of `cargo test` that mean something here; the others are let pass.

use super::Scenario;

/// Options whose value is the next argument.
const WITH_VALUE: [&str; 6] = ["--test-threads", "--format", "--color", "--logfile", "--shuffle-seed", "-Z"];

/// What the arguments select.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only tell the names.
    pub list: bool,
    exact: bool,
    only_ignored: bool,
    include_ignored: bool,
    filters: Vec<String>,
    skipped: Vec<String>,
}

impl Options {
    /// Reads them.
    pub fn read(arguments: &[String]) -> Options {
        let mut options = Options::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--list" => options.list = true,
                "--exact" => options.exact = true,
                "--ignored" => options.only_ignored = true,
                "--include-ignored" => options.include_ignored = true,
                "--skip" => options.skipped.extend(rest.next().cloned()),
                name if WITH_VALUE.contains(&name) => drop(rest.next()),
                flag if flag.starts_with('-') => {}
                filter => options.filters.push(filter.to_owned()),
            }
        }
        options
    }

    /// Whether a scenario is selected.
    pub fn wants(&self, scenario: &Scenario) -> bool {
        let matches = |pattern: &String| match self.exact {
            true => scenario.name == pattern,
            false => scenario.name.contains(pattern.as_str()),
        };
        let kind = match scenario.on_request {
            true => self.only_ignored || self.include_ignored,
            false => !self.only_ignored,
        };
        kind && (self.filters.is_empty() || self.filters.iter().any(matches))
            && !self.skipped.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn arguments_select_scenarios() {
        let scenario =
            |name, on_request| Scenario { name, deadline: || Duration::ZERO, on_request, play: |_| Ok(()) };
        let all = [scenario("kill_one", false), scenario("kill", false), scenario("soak", true)];
        for (arguments, expected) in [
            ("", "kill_one kill"),
            ("kill", "kill_one kill"),
            ("kill --exact", "kill"),
            ("--skip one", "kill"),
            ("--ignored", "soak"),
            ("--include-ignored --test-threads 2 --nocapture", "kill_one kill soak"),
            ("--ignored kill", ""),
        ] {
            let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
            let options = Options::read(&arguments);
            let selected: Vec<&str> = all.iter().filter(|s| options.wants(s)).map(|s| s.name).collect();
            assert_eq!(selected.join(" "), expected, "{arguments:?}");
        }
    }
}
