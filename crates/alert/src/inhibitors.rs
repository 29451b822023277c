//! Who holds back whose alerts: `.inhibit('category', 'tag', ...)`. While a group of an alert is not
//! OK, alerts of that category with equal values of the tags are not handled.

use model::{Event, Inhibitor, Name, TagSet};
use std::collections::BTreeMap;

/// A group of an alert node: task, node, group id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The task.
    pub task: Name,
    /// The alert node.
    pub node: Name,
    /// The group's id.
    pub group: Name,
}

impl Source {
    /// Whom an event comes from.
    pub fn of(event: &Event) -> Source {
        Source { task: event.task.clone(), node: event.node.clone(), group: event.group.clone() }
    }
}

/// By the names of the tags, by their values: how many groups hold back alerts with them.
type ByTags = BTreeMap<Vec<Name>, BTreeMap<Vec<Name>, u32>>;

/// All that is held back.
#[derive(Clone, Debug, Default)]
pub struct Inhibitors {
    by_source: BTreeMap<Source, Vec<Inhibitor>>,
    by_category: BTreeMap<Name, ByTags>,
}

impl Inhibitors {
    /// Sets what a group holds back, in place of what it did before; nothing when it is empty.
    pub fn set(&mut self, source: Source, holds: Vec<Inhibitor>) {
        for inhibitor in self.by_source.remove(&source).unwrap_or_default() {
            self.count(&inhibitor, false);
        }
        for inhibitor in &holds {
            self.count(inhibitor, true);
        }
        if !holds.is_empty() {
            self.by_source.insert(source, holds);
        }
    }

    /// Lets go of all that the groups of a task hold back; gives those that held something.
    pub fn release(&mut self, task: &str) -> Vec<Source> {
        let of_task: Vec<Source> = self.of_task(task).cloned().collect();
        for source in &of_task {
            self.set(source.clone(), Vec::new());
        }
        of_task
    }

    /// The groups of a task that hold something back.
    pub fn of_task(&self, task: &str) -> impl Iterator<Item = &Source> {
        let first = Source { task: task.into(), node: "".into(), group: "".into() };
        let from = self.by_source.range(first..).map(|(source, _)| source);
        from.take_while(move |source| *source.task == *task)
    }

    /// The groups that hold something back, and what, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Source, &[Inhibitor])> {
        self.by_source.iter().map(|(source, holds)| (source, holds.as_slice()))
    }

    /// What a group holds back; empty for nothing.
    pub fn of(&self, source: &Source) -> &[Inhibitor] {
        self.by_source.get(source).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether an alert of that category with these tags is held back.
    pub fn hold(&self, category: &str, tags: &TagSet) -> bool {
        let Some(by_tags) = self.by_category.get(category) else { return false };
        by_tags.iter().any(|(names, by_values)| {
            let values = names.iter().map(|name| tags.get(name).unwrap_or_default().into());
            by_values.contains_key(&values.collect::<Vec<Name>>())
        })
    }

    fn count(&mut self, inhibitor: &Inhibitor, up: bool) {
        let (names, values): (Vec<Name>, Vec<Name>) = inhibitor.tags.iter().cloned().unzip();
        let by_tags = self.by_category.entry(inhibitor.category.clone()).or_default();
        let by_values = by_tags.entry(names.clone()).or_default();
        let count = by_values.entry(values.clone()).or_default();
        *count = if up { *count + 1 } else { count.saturating_sub(1) };
        if *count > 0 {
            return;
        }
        by_values.remove(&values);
        if by_values.is_empty() {
            by_tags.remove(&names);
        }
        if by_tags.is_empty() {
            self.by_category.remove(&inhibitor.category);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(task: &str, group: &str) -> Source {
        Source { task: task.into(), node: "alert2".into(), group: group.into() }
    }

    fn inhibitor(category: &str, tags: &[(&str, &str)]) -> Inhibitor {
        let tags = tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Inhibitor { category: category.into(), tags }
    }

    #[test]
    fn category_and_all_tags_must_be_equal() {
        let mut inhibitors = Inhibitors::default();
        inhibitors.set(source("a", "h=x"), vec![inhibitor("svc", &[("h", "x"), ("dc", "")])]);
        for (category, tags, held) in [
            ("svc", vec![("h", "x")], true),
            ("svc", vec![("h", "x"), ("other", "y")], true),
            ("svc", vec![("h", "x"), ("dc", "1")], false),
            ("svc", vec![("h", "y")], false),
            ("svc", vec![], false),
            ("host", vec![("h", "x")], false),
        ] {
            assert_eq!(inhibitors.hold(category, &TagSet::new(tags.clone())), held, "{category} {tags:?}");
        }
        inhibitors.set(source("a", ""), vec![inhibitor("host", &[])]);
        assert!(inhibitors.hold("host", &TagSet::empty()), "without tags all of a category are held back");
    }

    #[test]
    fn each_of_several_groups_counts() {
        let mut inhibitors = Inhibitors::default();
        let tags = TagSet::new([("h", "x")]);
        for (task, group) in [("a", "h=x,s=1"), ("a", "h=x,s=2"), ("b", "h=x")] {
            inhibitors.set(source(task, group), vec![inhibitor("svc", &[("h", "x")])]);
        }
        inhibitors.set(source("b", "h=x"), Vec::new());
        assert_eq!(inhibitors.of_task("a").count(), 2);
        inhibitors.set(source("a", "h=x,s=1"), Vec::new());
        assert!(inhibitors.hold("svc", &tags));
        assert_eq!(inhibitors.release("a"), [source("a", "h=x,s=2")]);
        assert!(!inhibitors.hold("svc", &tags) && inhibitors.by_category.is_empty());
    }

    proptest! {
        /// Against a list that is searched.
        #[test]
        fn as_a_plain_list(changes in prop::collection::vec((0..3u8, 0..3u8, prop::collection::vec((0..2u8, 0..3u8, 0..3u8), 0..3)), 0..30)) {
            let mut inhibitors = Inhibitors::default();
            let mut plain: BTreeMap<(u8, u8), Vec<Inhibitor>> = BTreeMap::new();
            for (task, group, holds) in changes {
                let value = |v: u8| ["", "x", "y"][v as usize];
                let holds: Vec<Inhibitor> = holds.iter().map(|&(category, a, b)| {
                    let tags = [("a", value(a)), ("b", value(b))];
                    inhibitor(["c", "d"][category as usize], &tags[..usize::from(a)])
                }).collect();
                inhibitors.set(source(&task.to_string(), &group.to_string()), holds.clone());
                plain.insert((task, group), holds);
                for category in ["c", "d"] {
                    for (a, b) in (0..9).map(|n| (value(n / 3), value(n % 3))) {
                        let tags = TagSet::new([("a", a), ("b", b)].into_iter().filter(|(_, v)| !v.is_empty()));
                        let held = plain.values().flatten().any(|i| {
                            *i.category == *category
                                && i.tags.iter().all(|(name, v)| tags.get(name).unwrap_or_default() == &**v)
                        });
                        prop_assert_eq!(inhibitors.hold(category, &tags), held);
                    }
                }
            }
        }
    }
}
