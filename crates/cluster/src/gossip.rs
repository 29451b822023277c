//! How members find each other by name and see who is alive: SWIM (by foca) over encrypted UDP. What
//! it says is a hint and no more; who owns what is decided by Raft.
//!
//! ```text
//!            socket ──► seal (key) ──► packet (cluster, clock, sender) ──► Swim ──► foca
//!   peers ──► hello ──► names ──► socket                  └──► Table (who is who) ──► Gossip::seen
//! ```
//!
//! One thread owns all of it (`task`): foca's timers run late when it does, and a member that is
//! late is taken for dead, so it shares no runtime with the data path.

mod address;
mod freshness;
mod greeter;
mod identity;
mod names;
mod notice;
mod options;
mod packet;
#[cfg(test)]
mod scripted;
mod seal;
mod side;
mod stats;
mod swim;
mod table;
mod task;

use crate::carrier::MemberId;
use parking_lot::RwLock;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

pub use names::{Resolve, SystemResolver};
pub use options::{About, Error, Options, Timing};
pub use stats::Stats;
pub use table::Seen;

/// What the thread does on behalf of a handle.
enum Command {
    SetCluster(String),
    Forget(MemberId),
    Remember(MemberId),
    Leave(oneshot::Sender<()>),
}

/// What the thread shows to the handles.
struct Shown {
    seen: RwLock<Vec<Seen>>,
    changes: watch::Sender<u64>,
    counters: stats::Counters,
}

/// A running gossip. Clones are the same one; when the last is dropped it stops without a farewell,
/// as if the process had died (see [`Gossip::leave`]).
#[derive(Clone)]
pub struct Gossip {
    shown: Arc<Shown>,
    commands: mpsc::UnboundedSender<Command>,
    local: SocketAddr,
}

impl std::fmt::Debug for Gossip {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gossip").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Gossip {
    /// Opens the socket and starts to look for the others. Needs no runtime.
    ///
    /// # Errors
    /// [`Error`]: an option makes no sense, or the socket cannot be opened.
    pub fn start(options: Options, about: About) -> Result<Self, Error> {
        let checked = options::check(options, about)?;
        let socket = address::bind(&checked.bind)?;
        let local =
            socket.local_addr().map_err(|source| Error::Bind { address: checked.bind.clone(), source })?;
        let shown = Arc::new(Shown {
            seen: RwLock::new(Vec::new()),
            changes: watch::Sender::new(0),
            counters: stats::Counters::default(),
        });
        let (commands, inbox) = mpsc::unbounded_channel();
        task::spawn(checked, socket, shown.clone(), inbox)?;
        Ok(Self { shown, commands, local })
    }

    /// The address the socket has, its port found out where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Every member ever heard of in this process, without itself, by id.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shown.seen.read().clone()
    }

    /// A number that grows whenever [`Gossip::seen`] gives something else.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shown.changes.subscribe()
    }

    /// Says to all which cluster this member belongs to from now on. Members of other clusters are
    /// not heard any more.
    ///
    /// # Errors
    /// [`Error::ClusterIdTooLong`], and nothing changes.
    pub fn set_cluster(&self, id: &str) -> Result<(), Error> {
        options::check_cluster(id)?;
        self.send(Command::SetCluster(id.to_owned()));
        Ok(())
    }

    /// Takes a removed member off the list. It stays off until its process is started anew, or
    /// [`Gossip::remember`] is called.
    pub fn forget(&self, id: MemberId) {
        self.send(Command::Forget(id));
    }

    /// Lets a member that was forgotten appear again while its process is still the same.
    pub fn remember(&self, id: MemberId) {
        self.send(Command::Remember(id));
    }

    /// Says farewell, so that the others see this member as left at once, and stops.
    pub async fn leave(&self) {
        let (done, wait) = oneshot::channel();
        self.send(Command::Leave(done));
        // An error means that it had stopped before.
        let _stopped = wait.await;
    }

    /// Whether it still works: it has neither left nor failed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.commands.is_closed()
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let seen = self.shown.seen.read();
        let alive = seen.iter().filter(|member| member.alive).count() as u64;
        self.shown.counters.read(alive, seen.len() as u64 - alive)
    }

    /// After [`Gossip::leave`] nobody listens, which is no error.
    fn send(&self, command: Command) {
        let _stopped = self.commands.send(command);
    }
}
