//! Bringing shards back: the last checkpoint, then the log after it.

use crate::clock::Clock;
use crate::control::{Control, Message};
use crate::definition::Definition;
use crate::directory::Directory;
use crate::error::Error;
use crate::member::lead::TAKEN;
use crate::member::lead::Taken;
use crate::options::Options;
use crate::submit::{group, kind, read_looped};
use crate::worker::{APPLIED, CLOCK, Held, LOOPING, prefix};
use model::codec::Decoder;
use pipeline::Shard;
use pipeline::checkpoint::{self, SavedTask, Source};
use pipeline::node::Call;
use pipeline::node::Effects;
use pipeline::task::Task;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Family, Log, State};

/// Events that are handed over together while a log is replayed.
const EVENTS_TOGETHER: usize = 1000;

/// A shard that is back.
pub struct Recovered {
    /// Its pipeline, and where it stands.
    pub held: Held,
    /// What the router needs of it.
    pub directory: Directory,
    /// Entries that were replayed.
    pub replayed: u64,
    /// Calls that the replayed entries asked for and that were not answered.
    pub calls: Vec<Call>,
}

/// What recovery needs of the member.
pub struct Recovery<'a> {
    /// Options.
    pub options: &'a Options,
    /// The log.
    pub log: &'a Log,
    /// The checkpoints.
    pub state: &'a State,
    /// Where replayed events go; those it has seen it does not take again.
    pub control: &'a Control,
    /// Must not give a time that the log holds.
    pub clock: &'a Clock,
    /// Tasks built so far, by their definition: shards share them.
    pub built: BTreeMap<Vec<u8>, Arc<Task>>,
}

impl Recovery<'_> {
    /// Brings one shard back.
    pub fn shard(&mut self, number: u32) -> Result<Recovered, Error> {
        let source = Prefixed::new(self.state, number);
        let (options, built) = (self.options, &mut self.built);
        let mut build = |definition: &[u8]| build(options, built, definition);
        let mut held =
            open_checkpoint(options, &source, number, &mut |saved: &SavedTask| build(&saved.definition))?;
        let saved = source.number(APPLIED)?;
        if saved > 0 {
            // The process may have died between the checkpoint and the purge.
            self.log.purge(group(number), saved)?;
        }
        (held.applied, held.saved) = (saved, saved);
        held.taken = match source.value(TAKEN)? {
            Some(bytes) => {
                Taken::decode(&bytes).map_err(|why| Error::Entry { shard: number, index: saved, why })?
            }
            None => Taken::default(),
        };
        let mut replayed = 0;
        let mut decoder = Decoder::new();
        let mut effects = Effects::default();
        for entry in self.log.read(group(number), saved + 1..u64::MAX) {
            let entry = entry?;
            let fail = |why: String| Error::Entry { shard: number, index: entry.index, why };
            if entry.kind == kind::POINTS {
                let points = decoder
                    .decode(&entry.bytes, held.shard.series().len())
                    .map_err(|error| fail(error.to_string()))?;
                held.feed(entry.index, points, &mut effects);
            } else if entry.kind == kind::LOOPED {
                let (sender, number, bytes) =
                    read_looped(&entry.bytes).ok_or_else(|| fail("it is too short".into()))?;
                let points = decoder
                    .decode(bytes, held.shard.series().len())
                    .map_err(|error| fail(error.to_string()))?;
                held.taken.take(sender, number, points.clock);
                held.feed(entry.index, points, &mut effects);
            } else {
                held.replay(entry.index, (entry.kind, &entry.bytes), &mut build, &mut effects)
                    .map_err(fail)?;
            }
            replayed += 1;
            held.take_replayed(&mut effects);
            if effects.events.len() >= EVENTS_TOGETHER {
                self.control.send_blocking(Message::Events(std::mem::take(&mut effects.events)));
            }
        }
        if !effects.events.is_empty() {
            self.control.send_blocking(Message::Events(std::mem::take(&mut effects.events)));
        }
        self.clock.after(held.clock);
        let mut directory = Directory::of(held.shard.series(), held.applied + 1);
        directory.taken = held.taken.clone();
        Ok(Recovered { held, directory, replayed, calls: effects.calls })
    }
}

/// Builds a task that ran before the restart. One that this version cannot build is left out, and
/// says why when it is started from the catalog.
fn build(options: &Options, built: &mut BTreeMap<Vec<u8>, Arc<Task>>, bytes: &[u8]) -> Option<Arc<Task>> {
    if let Some(task) = built.get(bytes) {
        return Some(task.clone());
    }
    let definition = Definition::decode(bytes);
    let task = definition.and_then(|definition| {
        definition
            .build(&options.server, options.shards)
            .map_err(|error| format!("{}: {error}", definition.id))
    });
    match task {
        Ok(task) => {
            built.insert(bytes.to_vec(), task.clone());
            Some(task)
        }
        Err(error) => {
            tracing::error!(error, "a task that was running does not build any more; its state is lost");
            None
        }
    }
}

/// Loads the checkpoint of a shard; without one the shard is empty.
pub fn open_checkpoint(
    options: &Options,
    source: &Prefixed<'_>,
    number: u32,
    build: &mut dyn FnMut(&SavedTask) -> Option<Arc<Task>>,
) -> Result<Held, Error> {
    let zone = jiff::tz::TimeZone::system();
    let mut shard = Shard::new(number, options.shards, zone, Some(crate::engine::stopwatch))
        .with_lifetimes(options.lifetimes());
    shard.load(source, build).map_err(|source| Error::Checkpoint { shard: number, source })?;
    let mut held = Held::new(number, shard, 0, 0);
    held.clock = source.number(CLOCK)?.cast_signed();
    let looping = source.value(LOOPING)?;
    held.load_looping(looping).map_err(|why| Error::Entry { shard: number, index: 0, why })?;
    Ok(held)
}

/// The checkpoint of one shard.
pub struct Prefixed<'a> {
    state: &'a State,
    prefix: Vec<u8>,
}

impl<'a> Prefixed<'a> {
    /// The checkpoint of shard `number`.
    pub fn new(state: &'a State, number: u32) -> Prefixed<'a> {
        Prefixed { state, prefix: prefix(number) }
    }

    /// A value of the checkpoint.
    pub fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.state.get(Family::Checkpoints, &[&self.prefix, key].concat())?)
    }

    /// A number of the checkpoint; 0 without one.
    pub fn number(&self, key: &[u8]) -> Result<u64, Error> {
        Ok(self.value(key)?.and_then(|value| value.try_into().ok()).map_or(0, u64::from_be_bytes))
    }
}

impl Source for Prefixed<'_> {
    fn scan(&self, prefix: &[u8], each: checkpoint::Each<'_>) -> Result<(), checkpoint::Error> {
        let whole = [&self.prefix, prefix].concat();
        let mut result = Ok(());
        let scanned = self.state.scan_from(Family::Checkpoints, &whole, &whole, |key, value| {
            result = each(&key[self.prefix.len()..], value);
            if result.is_ok() {
                std::ops::ControlFlow::Continue(())
            } else {
                std::ops::ControlFlow::Break(())
            }
        });
        scanned.map_err(|error| checkpoint::Error::Store(error.to_string()))?;
        result
    }
}
