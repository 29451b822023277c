//! Saving and loading a shard. A checkpoint is a set of keyed values of which a save rewrites
//! only those that changed: chunks of series and groups (which only grow) and of node states.
//!
//! Keys, all within the shard's own key space:
//! `m` the outline · `s` chunk · `g` space chunk · `l` space chunk (when its groups were last seen) ·
//! `t` task · `n` task 0 node chunk

use crate::group::GroupBy;
use crate::shard::{Running, Shard};
use crate::task::{Failure, Restored, Task};
use model::{Name, Origin, Series, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Series in one value.
const CHUNK: usize = 256;

/// Takes what a save writes, in order.
pub trait Sink {
    /// A value that is new or changed.
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>);
    /// All values under a prefix are gone.
    fn delete_prefix(&mut self, prefix: Vec<u8>);
}

/// Takes a key and its value.
pub type Each<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), Error>;

/// Gives what a save wrote.
pub trait Source {
    /// Calls `each` with every key under a prefix and its value, in order of keys.
    fn scan(&self, prefix: &[u8], each: Each<'_>) -> Result<(), Error>;
}

/// A checkpoint that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes do not say what they should.
    #[error(
        "checkpoint value {key:?} cannot be read ({why}): the data directory is damaged or was written by another version of Farad"
    )]
    Value {
        /// The key.
        key: String,
        /// Why not.
        why: String,
    },
    /// The store failed.
    #[error("checkpoint cannot be read: {0}")]
    Store(String),
}

/// What the checkpoint already holds.
#[derive(Default)]
pub(crate) struct Saved {
    series: u32,
    /// Prefixes to delete at the next save, before anything is put.
    dropped: Vec<Vec<u8>>,
    /// Tasks whose outline is not saved yet.
    started: BTreeSet<Name>,
}

impl Saved {
    /// The task's outline is to be saved again.
    pub(crate) fn task_started(&mut self, id: &Name) {
        self.started.insert(id.clone());
    }

    pub(crate) fn task_stopped(&mut self, id: &str) {
        self.started.remove(id);
        self.dropped.push(task_key(id));
        self.dropped.push(states_prefix(id));
    }

    pub(crate) fn space_freed(&mut self, at: usize) {
        self.dropped.push(space_prefix(b'g', at));
        self.dropped.push(space_prefix(b'l', at));
    }
}

#[derive(Serialize, Deserialize)]
struct Outline {
    /// Grouping of each space in use, by its slot, and how long its groups live if a script says so.
    spaces: Vec<Option<(GroupBy, Option<i64>)>>,
    /// When to look for groups that are over.
    sweep: Time,
}

/// A chunk of series: the origins it needs, and for each series its origin and tags.
#[derive(Serialize, Deserialize)]
struct SeriesChunk {
    origins: Vec<(Name, Name, Name)>,
    series: Vec<(u32, TagSet)>,
}

fn space_prefix(family: u8, at: usize) -> Vec<u8> {
    with_number(vec![family], at as u32)
}

fn task_key(id: &str) -> Vec<u8> {
    [b"t".as_slice(), id.as_bytes(), &[0]].concat()
}

fn states_prefix(id: &str) -> Vec<u8> {
    [b"n".as_slice(), id.as_bytes(), &[0]].concat()
}

fn with_number(mut key: Vec<u8>, number: u32) -> Vec<u8> {
    key.extend(number.to_be_bytes());
    key
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain values always encode")
}

fn decode<'a, T: Deserialize<'a>>(key: &[u8], bytes: &'a [u8]) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|why| broken(key, why))
}

fn broken(key: &[u8], why: impl ToString) -> Error {
    Error::Value { key: String::from_utf8_lossy(key).into_owned(), why: why.to_string() }
}

/// The number in the last four bytes of a key.
fn number(key: &[u8]) -> Result<u32, Error> {
    let tail = key.last_chunk::<4>().ok_or_else(|| broken(key, "short key"))?;
    Ok(u32::from_be_bytes(*tail))
}

/// A task of a checkpoint, to be built again.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedTask {
    /// Its id.
    pub id: Name,
    /// How to build it again.
    pub definition: Arc<[u8]>,
    /// What its alerts found in their topics when it was started.
    pub restored: Restored,
    /// Why it stopped working, if it did.
    pub failed: Option<Failure>,
}

impl Shard {
    /// Writes what changed since the last save.
    pub fn save(&mut self, sink: &mut dyn Sink) {
        for prefix in std::mem::take(&mut self.saved.dropped) {
            sink.delete_prefix(prefix);
        }
        let used = |at: usize| self.space_users[at] > 0;
        let spaces = self.spaces.iter().enumerate().map(|(at, s)| used(at).then(|| (s.by.clone(), s.ttl)));
        sink.put(b"m".to_vec(), encode(&Outline { spaces: spaces.collect(), sweep: self.sweep }));
        self.save_series(sink);
        self.save_groups(sink);
        for running in &mut self.tasks {
            let id = running.task.id.clone();
            if self.saved.started.remove(&id) {
                let saved = SavedTask {
                    id: id.clone(),
                    definition: running.definition.clone(),
                    restored: running.restored.clone(),
                    failed: running.failed.clone(),
                };
                sink.put(task_key(&id), encode(&saved));
            }
            for (node, states) in running.states.iter_mut().enumerate() {
                let Some(states) = states else { continue };
                let prefix = with_number(states_prefix(&id), node as u32);
                states.save(&mut |chunk, bytes| sink.put(with_number(prefix.clone(), chunk), bytes));
            }
        }
    }

    fn save_series(&mut self, sink: &mut dyn Sink) {
        let first = self.saved.series as usize / CHUNK;
        if self.saved.series == self.series.len() {
            return;
        }
        for (at, series) in self.series.since((first * CHUNK) as u32).chunks(CHUNK).enumerate() {
            let mut chunk = SeriesChunk { origins: Vec::new(), series: Vec::new() };
            let mut origins: Vec<Arc<Origin>> = Vec::new();
            for one in series {
                let known = origins.iter().position(|o| *o == one.origin);
                let origin = known.unwrap_or_else(|| {
                    origins.push(one.origin.clone());
                    origins.len() - 1
                });
                chunk.series.push((origin as u32, one.tags.clone()));
            }
            let parts = |o: &Arc<Origin>| (o.db.clone(), o.rp.clone(), o.name.clone());
            chunk.origins = origins.iter().map(parts).collect();
            sink.put(with_number(b"s".to_vec(), (first + at) as u32), encode(&chunk));
        }
        self.saved.series = self.series.len();
    }

    fn save_groups(&mut self, sink: &mut dyn Sink) {
        for (at, space) in self.spaces.iter_mut().enumerate() {
            for (chunk, groups) in space.changed() {
                sink.put(with_number(space_prefix(b'g', at), chunk), encode(&groups));
            }
            for (chunk, seen) in space.idle.iter_mut().flat_map(|idle| idle.changed()) {
                sink.put(with_number(space_prefix(b'l', at), chunk), encode(seen));
            }
        }
    }

    /// Loads an empty shard. `build` makes each task of the checkpoint ready to run; a task that it
    /// refuses is left out, its state forgotten: one bad task must not keep the others from running.
    pub fn load(
        &mut self,
        source: &dyn Source,
        build: &mut dyn FnMut(&SavedTask) -> Option<Arc<Task>>,
    ) -> Result<(), Error> {
        self.load_series(source)?;
        let mut outline = Outline { spaces: Vec::new(), sweep: Time::MAX };
        source.scan(b"m", &mut |key, value| {
            outline = decode(key, value)?;
            Ok(())
        })?;
        let sweep = outline.sweep;
        let held = self.load_groups(source, outline)?;
        let mut tasks: Vec<SavedTask> = Vec::new();
        source.scan(b"t", &mut |key, value| {
            tasks.push(decode(key, value)?);
            Ok(())
        })?;
        let mut refused = Vec::new();
        for saved in tasks {
            let Some(task) = build(&saved) else {
                refused.push(saved.id);
                continue;
            };
            self.start(task, saved.definition, saved.restored);
            self.saved.started.remove(&saved.id);
            self.fail(&saved.id, saved.failed);
            self.load_states(source, &saved.id)?;
        }
        if sweep < Time::MAX {
            self.sweep = sweep;
        }
        self.due = self.tasks.iter().map(Running::due).fold(self.sweep, Time::min);
        // Starting the tasks asked for deletions that must not happen: the values are live.
        self.saved.dropped.clear();
        refused.iter().for_each(|id| self.saved.task_stopped(id));
        for at in held {
            self.release_space(at);
        }
        Ok(())
    }

    fn load_series(&mut self, source: &dyn Source) -> Result<(), Error> {
        source.scan(b"s", &mut |key, value| {
            let chunk: SeriesChunk = decode(key, value)?;
            let origins: Vec<Arc<Origin>> =
                chunk.origins.into_iter().map(|(db, rp, name)| Arc::new(Origin { db, rp, name })).collect();
            for (origin, tags) in chunk.series {
                let origin = origins.get(origin as usize).ok_or_else(|| broken(key, "no such origin"))?;
                self.series.push(Series { origin: origin.clone(), tags });
            }
            Ok(())
        })?;
        self.saved.series = self.series.len();
        Ok(())
    }

    /// Fills the spaces of the outline at their old slots, each held by a user until the tasks
    /// have taken theirs. Gives the slots that are held.
    fn load_groups(&mut self, source: &dyn Source, outline: Outline) -> Result<Vec<usize>, Error> {
        let mut held = Vec::new();
        for (at, by) in outline.spaces.into_iter().enumerate() {
            self.space_users.push(u32::from(by.is_some()));
            held.extend(by.is_some().then_some(at));
            let (by, ttl) = by.unwrap_or_default();
            let mut space = self.space(by, ttl);
            source.scan(&space_prefix(b'g', at), &mut |key, value| {
                space.load(decode(key, value)?);
                Ok(())
            })?;
            source.scan(&space_prefix(b'l', at), &mut |key, value| {
                if let Some(idle) = &mut space.idle {
                    idle.load(&decode::<Vec<u32>>(key, value)?);
                }
                Ok(())
            })?;
            self.spaces.push(space);
        }
        Ok(held)
    }

    fn load_states(&mut self, source: &dyn Source, id: &str) -> Result<(), Error> {
        let at = self.position(id).expect("the task was just started");
        let running = &mut self.tasks[at];
        for (node, states) in running.states.iter_mut().enumerate() {
            let Some(states) = states else { continue };
            source.scan(&with_number(states_prefix(id), node as u32), &mut |key, value| {
                states.load(number(key)?, value).map_err(|why| broken(key, why))
            })?;
        }
        Ok(())
    }
}
