//! Kapacitor's join as its rules say it, with no care for speed: maps by group and time, one
//! point at a time.

use super::{Fill, Setup};
use crate::dimensions::go_round;
use crate::edge::EdgeKind;
use crate::group::{Group, GroupBy};
use crate::merge::bed::{Out, Values, Written};
use model::{Name, TagSet, Time, Value};
use std::collections::BTreeMap;

/// A message of one parent.
#[derive(Clone)]
struct Arrival {
    source: usize,
    group: Group,
    time: Time,
    written: Written,
}

type Set = Vec<Option<Arrival>>;

#[derive(Default)]
struct OfGroup {
    sets: BTreeMap<Time, Vec<Set>>,
    heads: Vec<Option<Time>>,
}

#[derive(Default)]
struct OfOn {
    marks: BTreeMap<usize, Time>,
    general: Vec<Arrival>,
    specific: Vec<Arrival>,
}

struct Model<'a> {
    setup: &'a Setup,
    groups: BTreeMap<String, OfGroup>,
    on: BTreeMap<String, OfOn>,
    emitted: Vec<(Group, Time, Set)>,
}

/// Everything that comes out.
pub fn run(setup: &Setup, written: &[Written]) -> Vec<Out> {
    let mut model = Model { setup, groups: BTreeMap::new(), on: BTreeMap::new(), emitted: Vec::new() };
    for one in written {
        for (source, by) in setup.parents.iter().enumerate() {
            if one.reaches(source) {
                let time = go_round(one.time, setup.join.tolerance);
                model.message(Arrival { source, group: group(by, one), time, written: one.clone() });
            }
        }
    }
    let emitted = std::mem::take(&mut model.emitted);
    emitted.iter().filter_map(|(group, time, set)| model.out(group, *time, set)).collect()
}

fn group(by: &GroupBy, written: &Written) -> Group {
    let tags = if by.all { written.tags() } else { written.tags().project(&by.tags) };
    Group { tags, name: by.by_name.then(|| Name::from(written.name())) }
}

impl Model<'_> {
    fn message(&mut self, new: Arrival) {
        if self.setup.join.on.is_empty() {
            self.collect(new);
        } else {
            self.match_on(new);
        }
    }

    fn match_on(&mut self, new: Arrival) {
        let on = &self.setup.join.on;
        let key = Group { tags: new.group.tags.project(on), name: new.group.name.clone() }.id();
        let mut of = self.on.remove(&key).unwrap_or_default();
        of.marks.insert(new.source, new.time);
        let all_reported = of.marks.len() == self.setup.parents.len();
        let low = of.marks.values().min().copied().filter(|_| all_reported);
        if let Some(low) = low {
            while of.specific.first().is_some_and(|waits| waits.time < low) {
                let alone = of.specific.remove(0);
                self.collect(alone);
            }
        }
        if new.group.tags.len() > on.len() {
            let mut matched = false;
            let mut i = 0;
            while i < of.general.len() {
                let general = of.general[i].clone();
                if general.time == new.time {
                    self.collect(new.clone());
                    self.collect(Arrival { group: new.group.clone(), ..general.clone() });
                    matched = true;
                }
                if low.is_none_or(|low| general.time >= low) {
                    break;
                }
                i += 1;
            }
            if all_reported {
                of.general.drain(..i);
            }
            if !matched {
                if low.is_some_and(|low| new.time < low) {
                    self.collect(new);
                } else {
                    of.specific.push(new);
                }
            }
        } else {
            of.general.push(new.clone());
            while of.specific.first().is_some_and(|waits| waits.time == new.time) {
                let specific = of.specific.remove(0);
                let group = specific.group.clone();
                self.collect(specific);
                self.collect(Arrival { group, ..new.clone() });
            }
        }
        self.on.insert(key, of);
    }

    fn collect(&mut self, new: Arrival) {
        let sources = self.setup.parents.len();
        let of = self.groups.entry(new.group.id()).or_default();
        of.heads.resize(sources, None);
        let (source, time, group) = (new.source, new.time, new.group.clone());
        let sets = of.sets.entry(time).or_default();
        match sets.iter_mut().find(|set| set[source].is_none()) {
            Some(set) => set[source] = Some(new),
            None => {
                let mut set: Set = vec![None; sources];
                set[source] = Some(new);
                sets.push(set);
            }
        }
        of.heads[source] = Some(time);
        loop {
            let Some(oldest) = of.sets.keys().next().copied() else { return };
            let only_ready = of.heads.iter().any(|head| head.is_none_or(|head| head <= oldest));
            let mut sets = of.sets.remove(&oldest).unwrap_or_default();
            while sets.first().is_some_and(|set| !only_ready || set.iter().all(Option::is_some)) {
                self.emitted.push((group.clone(), oldest, sets.remove(0)));
            }
            if !sets.is_empty() {
                of.sets.insert(oldest, sets);
            }
            if only_ready {
                return;
            }
        }
    }

    fn out(&self, group: &Group, time: Time, set: &Set) -> Option<Out> {
        let first = set.iter().flatten().next()?;
        let join = &self.setup.join;
        let name = if join.stream_name.is_empty() { first.written.name() } else { join.stream_name.clone() };
        let rows = match self.setup.edge {
            EdgeKind::Stream => {
                let values = |arrival: &Arrival| arrival.written.values(arrival.written.fields, 0);
                let names: Vec<String> = values(first).into_keys().collect();
                let points: Vec<Option<Values>> =
                    set.iter().map(|point| point.as_ref().map(values)).collect();
                vec![(time, self.fields(&points, &names)?)]
            }
            EdgeKind::Batch => self.rows(set),
        };
        let by_name = group.name.as_ref().map(|_| Name::from(name.as_str()));
        let tags: TagSet = group.tags.clone();
        let group = Group { tags: tags.clone(), name: by_name }.id();
        let row_tags = vec![tags.clone(); rows.len()];
        Some(Out { db: String::new(), group, name, tags, time, rows, row_tags })
    }

    fn fields(&self, points: &[Option<Values>], names: &[String]) -> Option<Values> {
        let join = &self.setup.join;
        let mut fields = Values::new();
        for (point, prefix) in points.iter().zip(&join.names) {
            let mut put =
                |name: &str, value: Value| fields.insert(format!("{prefix}{}{name}", join.delimiter), value);
            match (point, &join.fill) {
                (Some(point), _) => point.iter().for_each(|(name, value)| drop(put(name, value.clone()))),
                (None, Fill::With(fill)) => names.iter().for_each(|name| drop(put(name, fill.clone()))),
                (None, _) => return None,
            }
        }
        Some(fields)
    }

    fn rows(&self, set: &Set) -> Vec<(Time, Values)> {
        let batches: Vec<Vec<(Time, Values)>> = set
            .iter()
            .map(|batch| {
                let Some(Arrival { written, .. }) = batch else { return Vec::new() };
                let rows = written.rows.iter().zip(0..);
                rows.map(|((time, fields), at)| {
                    (go_round(*time, self.setup.join.tolerance), written.values(*fields, at))
                })
                .collect()
            })
            .collect();
        let sources = batches.len();
        let mut indexes = vec![0; sources];
        let mut empty = vec![false; sources];
        let mut names: Option<Vec<String>> = None;
        let mut rows = Vec::new();
        while empty.contains(&false) {
            let mut picked: Vec<Option<Values>> = vec![None; sources];
            let mut time = None;
            let mut count = 0;
            for source in 0..sources {
                if empty[source] {
                    continue;
                }
                let Some((t, values)) = batches[source].get(indexes[source]) else {
                    empty[source] = true;
                    continue;
                };
                let least = *time.get_or_insert(*t);
                if *t < least {
                    time = Some(*t);
                    for (index, picked) in indexes.iter_mut().zip(&mut picked) {
                        if picked.take().is_some() {
                            *index -= 1;
                        }
                    }
                    picked[source] = Some(values.clone());
                    indexes[source] += 1;
                    count = 1;
                } else if *t == least {
                    if names.as_ref().is_none_or(Vec::is_empty) {
                        names = Some(values.keys().cloned().collect());
                    }
                    picked[source] = Some(values.clone());
                    indexes[source] += 1;
                    count += 1;
                }
            }
            if count > 0
                && let Some(time) = time
                && let Some(fields) = self.fields(&picked, names.as_deref().unwrap_or_default())
            {
                rows.push((time, fields));
            }
        }
        rows
    }
}
