//! What a program takes from its process: variables, terminal, time zone.

use std::env;
use std::io::{IsTerminal, stderr};

use jiff::tz::TimeZone;

/// What the process gives, taken once at the start.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `KAPACITOR_URL`.
    pub url: Option<String>,
    /// `KAPACITOR_UNSAFE_SSL`.
    pub unsafe_ssl: Option<String>,
    /// Whether standard error shows colours.
    pub color: bool,
    /// The zone in which local times are shown.
    pub zone: TimeZone,
}

impl Surroundings {
    /// Those of this process. Empty variables count as not set.
    pub fn of_process() -> Self {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            url: variable("KAPACITOR_URL"),
            unsafe_ssl: variable("KAPACITOR_UNSAFE_SSL"),
            color: stderr().is_terminal() && variable("NO_COLOR").is_none(),
            zone: TimeZone::system(),
        }
    }
}
