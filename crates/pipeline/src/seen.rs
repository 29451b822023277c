//! Which groups have reached a node in one shard: what `working_cardinality` counts. Group numbers
//! are shared by all tasks that group alike, so that the highest number says nothing of one node.

use crate::edge::Message;

/// A set of group numbers.
#[derive(Debug, Default)]
pub struct Seen {
    bits: Vec<u64>,
    count: u64,
    /// All groups below this one are in the set.
    whole_to: u32,
}

impl Seen {
    /// Number of groups.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds the groups of a message.
    pub fn add_message(&mut self, message: &Message) {
        match message {
            Message::None => {}
            // As a rule every group has been here before, which takes one comparison to find out.
            Message::Stream(run) if run.groups_end <= self.whole_to => {}
            Message::Stream(run) => self.add_all(run.groups.iter().copied()),
            Message::Batches(batches) => self.add_all(batches.iter().map(|batch| batch.group)),
        }
    }

    /// Adds groups.
    pub fn add_all(&mut self, groups: impl IntoIterator<Item = u32>) {
        for group in groups {
            if group >= self.whole_to {
                self.add(group);
            }
        }
        while self.has(self.whole_to) {
            self.whole_to += 1;
        }
    }

    /// Removes a group that is over.
    pub fn remove(&mut self, group: u32) {
        if self.has(group) {
            self.bits[group as usize / 64] &= !(1 << (group % 64));
            self.count -= 1;
            self.whole_to = self.whole_to.min(group);
        }
    }

    fn has(&self, group: u32) -> bool {
        self.bits.get(group as usize / 64).is_some_and(|word| word >> (group % 64) & 1 == 1)
    }

    fn add(&mut self, group: u32) {
        let (word, bit) = (group as usize / 64, 1 << (group % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.count += u64::from(self.bits[word] & bit == 0);
        self.bits[word] |= bit;
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use crate::task::Restored;
    use crate::{Effects, Server, Shard, Task};
    use model::{Column, Entry, Origin, Series, SourceRun, TagSet};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use tick::{Mode, TaskType};

    /// Both nodes number groups alike, and only the last of the three gets as far as the second.
    #[test]
    fn a_node_counts_the_groups_that_reach_it() {
        let program = tick::parse("stream|from().groupBy('h')|where(lambda: \"v\" > 5.0)|httpOut('o')")
            .expect("a script");
        let compiled = crate::compile::compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task);
        let dbrps = vec![("db".into(), "rp".into())];
        let graph = compiled.expect("it compiles").graph;
        let task = Arc::new(Task::build("t".into(), dbrps, graph, &Server::default(), 1).expect("it builds"));
        let mut shard = Shard::new(0, 1, jiff::tz::TimeZone::UTC, None);
        shard.start(task.clone(), Arc::from(&b""[..]), Restored::default());
        let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
        let series = |host: &str| Series { origin: origin.clone(), tags: TagSet::new([("h", host)]) };
        let run = SourceRun {
            origin: origin.clone(),
            times: vec![1, 2, 3, 4],
            series: vec![0, 1, 2, 2],
            ordinals: vec![0, 1, 2, 3],
            fields: vec![("v".into(), Column::from(vec![1.0, 2.0, 9.0, 8.0]))],
        };
        let new_series = ["a", "b", "c"].map(series).into();
        let entry = Entry { clock: 0, first_series: 0, new_series, runs: vec![run] };
        shard.apply(0, entry, &mut Effects::default());
        assert_eq!([2, 3].map(|node| task.stats(node).working_cardinality()), [3, 1]);
    }

    proptest! {
        #[test]
        fn it_counts_what_a_set_counts(runs in prop::collection::vec(prop::collection::vec(0u32..200, 0..40), 0..20)) {
            let (mut seen, mut set) = (Seen::default(), BTreeSet::new());
            for run in runs {
                set.extend(run.iter().copied());
                seen.add_all(run);
                prop_assert_eq!(seen.count(), set.len() as u64);
                prop_assert!((0..seen.whole_to).all(|group| set.contains(&group)));
                prop_assert!(!set.contains(&seen.whole_to));
            }
        }
    }
}
