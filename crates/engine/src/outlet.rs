//! Where the shards' threads leave events and checkpoints: with the control thread of a member
//! alone, or with the publisher of a member of a cluster.

use crate::control::{Control, Message};
use crate::submit::group;
use crate::worker::prefix;
use model::Event;
use pipeline::checkpoint::Sink;
use serde::{Deserialize, Serialize};
use store::{Batch, Family};
use tokio::sync::mpsc;

/// The way out of a worker.
#[derive(Clone)]
pub enum Outlet {
    /// Of a member alone.
    Control(Control),
    /// Of a member of a cluster.
    Publisher(mpsc::Sender<Published>),
}

/// Something for the publisher, in the order in which it must take effect.
pub enum Published {
    /// Events of one shard, in order.
    Events(Vec<Event>),
    /// A checkpoint; all events up to it came before.
    Checkpoint(Saved),
    /// Answers when all that came before is agreed on.
    Flush(tokio::sync::oneshot::Sender<()>),
}

/// A checkpoint of one shard: what changed since the last.
pub struct Saved {
    /// The shard.
    pub shard: u32,
    /// The last entry that it contains.
    pub index: u64,
    /// How often the shard was brought back on this member when it was made; 0 on a member alone.
    pub generation: u64,
    /// The changes.
    pub changes: Changes,
}

/// One change of a checkpoint, with keys within the shard's own key space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A value.
    Put(Vec<u8>, Vec<u8>),
    /// All under a prefix is gone.
    DeletePrefix(Vec<u8>),
}

/// Changes in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes(pub Vec<Change>);

impl Change {
    /// Bytes of key and value.
    pub fn bytes(&self) -> usize {
        match self {
            Change::Put(key, value) => key.len() + value.len(),
            Change::DeletePrefix(prefix) => prefix.len(),
        }
    }
}

impl Changes {
    /// Sets a value.
    pub fn set(&mut self, key: &[u8], value: Vec<u8>) {
        self.put(key.to_vec(), value);
    }

    /// Adds the changes to a batch, in a shard's key space.
    pub fn into_batch(self, shard: u32, batch: &mut Batch) {
        let prefix = prefix(shard);
        for change in self.0 {
            match change {
                Change::Put(key, value) => {
                    batch.put(Family::Checkpoints, [prefix.as_slice(), &key].concat(), value);
                }
                Change::DeletePrefix(below) => {
                    batch.delete_prefix(Family::Checkpoints, [prefix.as_slice(), &below].concat());
                }
            }
        }
    }
}

impl Sink for Changes {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.push(Change::Put(key, value));
    }

    fn delete_prefix(&mut self, prefix: Vec<u8>) {
        self.0.push(Change::DeletePrefix(prefix));
    }
}

impl Outlet {
    /// Hands events of one shard over; waits while there is no room.
    pub fn events(&self, events: Vec<Event>) {
        match self {
            Outlet::Control(control) => control.send_blocking(Message::Events(events)),
            Outlet::Publisher(publisher) => {
                // It only ends after everyone who sends to it.
                let _ = publisher.blocking_send(Published::Events(events));
            }
        }
    }

    /// Hands a checkpoint over, behind the events that led to it.
    pub fn checkpoint(&self, saved: Saved) {
        match self {
            Outlet::Control(control) => {
                let mut batch = Batch::new();
                saved.changes.into_batch(saved.shard, &mut batch);
                let group = group(saved.shard);
                control.send_blocking(Message::Checkpoint { group, index: saved.index, batch });
            }
            Outlet::Publisher(publisher) => {
                let _ = publisher.blocking_send(Published::Checkpoint(saved));
            }
        }
    }
}
