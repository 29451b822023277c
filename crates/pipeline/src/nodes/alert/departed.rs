//! What an alert remembers of groups that are over. When one of the same id comes again, it goes on
//! from the level that the topics still have; and what it held back must be let go.

use super::memory::Legacy;
use model::{Level, Name, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Groups of one shard that are remembered; of more the older half is forgotten.
const GROUPS_MAX: usize = 10_000;

/// What is remembered of groups that are over.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Departed {
    /// By the group's id, the level it had and when it last triggered; nothing when it was OK, which
    /// is more than not to know it: what the topics remember of before the task started is outdated.
    groups: BTreeMap<Name, Option<(Level, Time)>>,
    /// Those that still hold other alerts back.
    holding: Vec<Name>,
}

impl Departed {
    /// Remembers a group; `known` is the level it had, unless that is OK, and when it last triggered.
    pub fn add(&mut self, legacy: Legacy, known: Option<(Level, Time)>) {
        if legacy.inhibits {
            self.holding.push(legacy.group.clone());
        }
        if known.is_some() || legacy.found {
            self.groups.insert(legacy.group, known);
        }
        if self.groups.len() > GROUPS_MAX {
            let mut times: Vec<Time> = self.groups.values().map(last).collect();
            let (_, &mut middle, _) = times.select_nth_unstable(GROUPS_MAX / 2);
            self.groups.retain(|_, known| last(known) > middle);
        }
    }

    /// What is remembered of a group that comes again.
    pub fn take(&mut self, group: &str) -> Option<Option<(Level, Time)>> {
        self.groups.remove(group)
    }

    /// No group is remembered.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups that held others back, once.
    pub fn let_go(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.holding)
    }
}

fn last(known: &Option<(Level, Time)>) -> Time {
    known.map_or(Time::MIN, |(_, time)| time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legacy(group: &str, found: bool, inhibits: bool) -> Legacy {
        Legacy { group: group.into(), found, inhibits }
    }

    #[test]
    fn remembers_what_matters() {
        let mut departed = Departed::default();
        departed.add(legacy("bad", false, true), Some((Level::Critical, 1)));
        departed.add(legacy("well", false, false), None);
        departed.add(legacy("well again", true, false), None);
        assert_eq!(departed.take("bad"), Some(Some((Level::Critical, 1))));
        assert_eq!((departed.take("bad"), departed.take("well")), (None, None));
        assert_eq!(departed.take("well again"), Some(None));
        assert!(departed.is_empty());
        assert_eq!(departed.let_go(), ["bad".into()]);
        assert!(departed.let_go().is_empty());
    }

    #[test]
    fn is_bounded() {
        let mut departed = Departed::default();
        for time in 0..=GROUPS_MAX as i64 {
            departed.add(legacy(&time.to_string(), false, false), Some((Level::Info, time)));
        }
        assert_eq!(departed.groups.len(), GROUPS_MAX / 2);
        assert!(departed.take(&GROUPS_MAX.to_string()).is_some() && departed.take("0").is_none());
    }
}
