//! The control group's state machine: the catalog, in memory and in RocksDB, and the deliveries
//! that this member has to carry out because it owns their topics.

use super::replica::{read_pairs, write_pair};
use super::wire::{self, Applied};
use crate::control::decided::{Complaints, Touched, inhibited};
use crate::control::windows::{self, Look};
use bytes::Bytes;
use catalog::{Catalog, Command, Outcome};
use cluster::MemberId;
use cluster::raft::{Committed, Content, Machine, Position, Proposal, SnapshotSource};
use futures::FutureExt;
use futures::future::BoxFuture;
use handler::Deliverer;
use parking_lot::{Mutex, RwLock};
use std::io::{self, BufReader, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use store::{Batch, Family, State};
use tokio::sync::{Notify, watch};

/// Key of the catalog's place in the log, beside what Raft itself keeps.
const POSITION: &[u8] = b"position/control";

/// Wait before a failed write is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Kind of a proposal that is a [`Command`].
const COMMAND: u8 = 1;

/// The catalog as this member has it, shared by all who read it.
pub struct Agreed {
    /// This member.
    pub me: MemberId,
    /// The catalog.
    pub catalog: Arc<RwLock<Catalog>>,
    state: Arc<State>,
    deliverer: Deliverer,
    position: Mutex<Option<Position>>,
    /// Index of the last entry applied.
    pub applied: watch::Sender<u64>,
    /// Deliveries may go out: the catalog is known to be up to date, and the leader is near.
    delivering: AtomicBool,
    /// Failed attempts to write.
    pub failures: AtomicU64,
    complaints: Complaints,
    /// Told when events may wait to become one, or when this member may have to see to that.
    pub waiting: Notify,
}

/// The state machine over it.
pub struct ControlMachine(pub Arc<Agreed>);

/// An encoded command as a proposal.
pub fn proposal(command: Bytes) -> Proposal {
    Proposal { kind: COMMAND, bytes: command }
}

impl Agreed {
    /// The catalog that the state holds.
    pub fn open(
        me: MemberId,
        catalog: Catalog,
        state: Arc<State>,
        deliverer: Deliverer,
    ) -> Result<Arc<Agreed>, String> {
        let position = match state.get(Family::Raft, POSITION).map_err(|error| error.to_string())? {
            Some(bytes) => Some(Position::decode(&bytes).map_err(|error| error.to_string())?),
            None => None,
        };
        let applied = watch::Sender::new(catalog.applied());
        Ok(Arc::new(Agreed {
            me,
            catalog: Arc::new(RwLock::new(catalog)),
            state,
            deliverer,
            position: Mutex::new(position),
            applied,
            delivering: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            complaints: Complaints::default(),
            waiting: Notify::new(),
        }))
    }

    /// The state holds a catalog that is kept under Raft.
    pub fn is_adopted(state: &State) -> Result<bool, store::Error> {
        Ok(state.get(Family::Raft, POSITION)?.is_some())
    }

    /// Notes where a catalog that was kept without Raft stands in its log from now on.
    pub fn adopt(state: &State, position: &Position) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        batch.put(Family::Raft, POSITION, position.encode());
        state.write(batch, true)
    }

    /// Puts what was applied on the platter, so that the log before it may go.
    pub fn flush(&self) -> Result<(), store::Error> {
        self.state.flush()
    }

    /// Lets deliveries go out, or holds them back.
    pub fn set_delivering(&self, delivering: bool) {
        if self.delivering.swap(delivering, Relaxed) != delivering {
            self.own();
        }
    }

    /// Hands out the deliveries of topics that this member owns, and lets go of all others.
    fn own(&self) {
        let catalog = self.catalog.read_recursive();
        let delivering = self.delivering.load(Relaxed);
        let (mine, others): (Vec<_>, Vec<_>) =
            catalog.deliveries().partition(|d| delivering && catalog.topic_owner(&d.topic) == Some(self.me));
        drop(catalog);
        self.deliverer.cancel(others.iter().map(|d| (&d.topic, &d.handler.id, d.id)));
        for delivery in mine {
            self.deliverer.submit(delivery);
        }
        self.waiting.notify_one();
    }

    /// What to do now about events that wait to become one. That is up to the owner of their topic.
    pub fn look_at_windows(&self) -> Look {
        let catalog = self.catalog.read_recursive();
        let delivering = self.delivering.load(Relaxed);
        let owner = |window: &catalog::Window| catalog.topic_owner(&window.topic);
        windows::look(catalog.windows(), |window| delivering && owner(window) == Some(self.me))
    }

    fn write(&self, batch: &Batch) {
        while let Err(error) = self.state.write(batch.clone(), false) {
            self.failures.fetch_add(1, Relaxed);
            tracing::error!(%error, "cannot write the control state; tasks and alerts of this member wait until it can be written");
            std::thread::sleep(RETRY);
        }
    }

    /// Applies one command; true when who owns which topic may have changed.
    fn apply(&self, catalog: &mut Catalog, index: u64, bytes: &[u8], todo: &mut Todo) -> Bytes {
        let command = match Command::decode(bytes) {
            Ok(command) => command,
            // All members of this version skip it alike.
            Err(error) => {
                tracing::error!(index, %error, "a command of the control group cannot be read; are all members of one version?");
                return wire::encode(&Err::<Applied, String>(error.to_string()));
            }
        };
        todo.owners |= matches!(
            command,
            Command::Found { .. }
                | Command::PutMember { .. }
                | Command::SetMemberStatus { .. }
                | Command::RemoveMember { .. }
        );
        if let Command::CloseTopic { topic } = &command {
            todo.retired.push(topic.clone());
        }
        todo.touched.note(&command);
        let outcome = catalog.apply(index, &command);
        let held = match &outcome {
            Ok(Outcome::Published(published)) => inhibited(&published.decisions),
            _ => Vec::new(),
        };
        let task = match &outcome {
            Ok(Outcome::Task(task)) => Some(catalog::Task::clone(task)),
            _ => None,
        };
        let answer = match &outcome {
            Ok(_) => Ok(Applied { index, task, inhibited: held }),
            Err(rejection) => Err(rejection.to_string()),
        };
        todo.outcomes.extend(outcome.ok());
        wire::encode(&answer)
    }

    fn carry_out(&self, todo: Todo) {
        if todo.owners {
            self.own();
        }
        todo.touched.carry_out(&self.catalog, &self.deliverer);
        for outcome in todo.outcomes {
            let dropped = match outcome {
                Outcome::Published(published) => {
                    self.complain(&published.decisions);
                    self.hand_out(published.deliveries);
                    published.dropped
                }
                Outcome::Dropped(dropped) => dropped,
                _ => continue,
            };
            self.deliverer.cancel(dropped.iter().map(|d| (&d.topic, &d.handler, d.id)));
        }
        for topic in todo.retired {
            self.deliverer.retire(&topic);
        }
        if self.catalog.read_recursive().windows().next().is_some() {
            self.waiting.notify_one();
        }
    }

    /// The owner of a topic tells what is wrong with its handlers.
    fn complain(&self, decisions: &[alert::Decision]) {
        self.complaints
            .tell(decisions, |topic| self.catalog.read_recursive().topic_owner(topic) == Some(self.me));
    }

    fn hand_out(&self, deliveries: Vec<alert::Delivery>) {
        if deliveries.is_empty() || !self.delivering.load(Relaxed) {
            return;
        }
        let catalog = self.catalog.read_recursive();
        let mine = deliveries.into_iter().filter(|d| catalog.topic_owner(&d.topic) == Some(self.me));
        let mine: Vec<alert::Delivery> = mine.collect();
        drop(catalog);
        for delivery in mine {
            self.deliverer.submit(delivery);
        }
    }
}

/// What is left to be done once a batch is applied.
#[derive(Default)]
struct Todo {
    outcomes: Vec<Outcome>,
    retired: Vec<model::Name>,
    touched: Touched,
    owners: bool,
}

impl ControlMachine {
    fn apply_all(&self, entries: Vec<Committed>) -> Vec<Bytes> {
        let agreed = &self.0;
        let mut todo = Todo::default();
        let mut answers = Vec::with_capacity(entries.len());
        let mut catalog = agreed.catalog.write();
        let mut position = agreed.position.lock().clone().unwrap_or_default();
        for entry in entries {
            position.id = entry.id;
            answers.push(match entry.content {
                Content::Proposal(proposal) => {
                    agreed.apply(&mut catalog, entry.id.index, &proposal.bytes, &mut todo)
                }
                Content::Membership(membership) => {
                    position.membership = membership;
                    Bytes::new()
                }
                Content::Blank => Bytes::new(),
            });
        }
        let mut batch = changes(&mut catalog);
        batch.put(Family::Raft, POSITION, position.encode());
        // The log is synced and replayed after a power cut, so this need not be.
        agreed.write(&batch);
        let index = position.id.index;
        *agreed.position.lock() = Some(position);
        drop(catalog);
        agreed.carry_out(todo);
        agreed.applied.send_replace(index);
        answers
    }
}

impl Machine for ControlMachine {
    fn position(&self) -> Option<Position> {
        self.0.position.lock().clone()
    }

    fn apply(&mut self, entries: Vec<Committed>) -> BoxFuture<'_, io::Result<Vec<Bytes>>> {
        async move { Ok(tokio::task::block_in_place(|| self.apply_all(entries))) }.boxed()
    }

    fn saved(&self) -> Option<(Position, Arc<dyn SnapshotSource>)> {
        Some((self.position()?, Arc::new(CatalogSource(self.0.clone()))))
    }

    fn install(&mut self, position: Position, snapshot: std::fs::File) -> BoxFuture<'_, io::Result<()>> {
        async move { tokio::task::block_in_place(|| self.replace(position, snapshot)) }.boxed()
    }
}

impl ControlMachine {
    fn replace(&self, position: Position, snapshot: std::fs::File) -> io::Result<()> {
        let agreed = &self.0;
        let mut entries = Vec::new();
        read_pairs(BufReader::new(snapshot), |key, value| entries.push((key, value)))?;
        let mut catalog = agreed.catalog.write();
        catalog.replace(entries.iter().map(|(key, value)| (key, value))).map_err(io::Error::other)?;
        let mut batch = changes(&mut catalog);
        batch.put(Family::Raft, POSITION, position.encode());
        agreed.state.write(batch, true).map_err(io::Error::other)?;
        let index = position.id.index;
        *agreed.position.lock() = Some(position);
        drop(catalog);
        agreed.own();
        agreed.applied.send_replace(index);
        Ok(())
    }
}

/// What of the catalog is not in RocksDB yet.
fn changes(catalog: &mut Catalog) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in catalog.take_changes() {
        match value {
            Some(value) => batch.put(Family::Control, key, value),
            None => batch.delete(Family::Control, key),
        }
    }
    batch
}

/// The catalog as a snapshot.
struct CatalogSource(Arc<Agreed>);

impl SnapshotSource for CatalogSource {
    fn write(&self, out: &mut dyn Write) -> io::Result<Position> {
        let catalog = self.0.catalog.read_recursive();
        let entries = catalog.entries();
        // The position moves under the same lock as the catalog.
        let position = self.0.position.lock().clone().unwrap_or_default();
        drop(catalog);
        let mut out = BufWriter::new(out);
        for (key, value) in entries {
            write_pair(&mut out, &key, &value)?;
        }
        out.flush()?;
        Ok(position)
    }
}
