//! What the shards' pipelines want done outside of them: HTTP calls of nodes ([`calls`]), and points
//! that they write to the server itself ([`looped`]). Only the member that runs a shard does that,
//! off the shard's thread: neither a slow endpoint nor a slow shard may stop another one.

pub mod calls;
pub mod looped;
pub mod loops;
pub mod source;
mod yaml;

use crate::engine::Engine;
use crate::queue::Room;
use crate::worker::Lines;
use calls::Lanes;
use handler::http::Clients;
use looped::Loop;
use parking_lot::Mutex;
use pipeline::node::{Call, Log, Write};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, Weak};
use tokio::runtime::Handle;

/// The way out of a member's shards.
pub struct Outside {
    /// Set once the engine stands; until then everything waits.
    engine: OnceLock<Weak<Engine>>,
    runtime: Handle,
    clients: Clients,
    calls: Lanes,
    /// One a shard.
    loops: Vec<Loop>,
    /// Bytes of points that wait to be written back: clients' writes wait while there are too many.
    room: Room,
    lines: Mutex<Lines>,
}

impl Outside {
    /// Of so many shards; clients' writes wait while more than so many bytes wait to be written back.
    /// To be called within a tokio runtime.
    pub fn new(shards: u32, bytes_max: usize) -> Outside {
        Outside {
            engine: OnceLock::new(),
            runtime: Handle::current(),
            clients: Clients::default(),
            calls: Lanes::default(),
            loops: (0..shards).map(|_| Loop::default()).collect(),
            room: Room::new(bytes_max),
            lines: Mutex::new(Lines::new()),
        }
    }

    /// Begins to work.
    pub fn attach(self: &Arc<Outside>, engine: &Arc<Engine>) {
        if self.engine.set(Arc::downgrade(engine)).is_ok() {
            self.begin_calls();
            (0..self.loops.len()).for_each(|shard| self.begin_loop(shard as u32));
        }
    }

    /// The engine, while it stands.
    fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.get()?.upgrade()
    }

    /// Waits until it is not too much that waits to be written back.
    pub async fn wait(&self) {
        self.room.wait().await;
    }

    /// A shard is run here from now on: carries out what its log and its checkpoint say.
    pub fn lead(self: &Arc<Outside>, shard: u32, writes: &VecDeque<Arc<Write>>, calls: Vec<Call>) {
        self.unlead(shard);
        writes.iter().for_each(|write| self.write(shard, write.clone()));
        self.call(calls);
    }

    /// A shard is run elsewhere from now on, where the same is asked for again.
    pub fn unlead(&self, shard: u32) {
        self.calls.forget(shard);
        self.loops[shard as usize].forget(&self.room);
    }

    /// Counts an error of a node that is not its own fault, and says so in the log as Kapacitor does.
    fn complain(&self, call: &Call, message: String, pairs: String) {
        let Some(engine) = self.engine() else { return };
        let (task, node) = (call.task.clone(), call.node.clone());
        if let Some(running) = engine.tasks.get(&task)
            && let Some(at) = running.names.iter().position(|name| *name == node)
        {
            running.stats(at).error(1, &message, crate::clock::wall());
        }
        if !call.quiet {
            let level = pipeline::node::LogLevel::Error;
            self.lines.lock().write(&Log { level, task, node, message, pairs, points: 1 });
        }
    }
}
