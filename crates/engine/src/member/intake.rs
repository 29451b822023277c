//! Where the leader of a shard takes points: from the routers of all members, itself among them.
//! Each write has a number of its sender's and is taken once, however often it is sent.

use super::lead::{Chain, Header, Led, Run, Taken, propose_points};
use crate::clock::Clock;
use crate::definition::Other;
use crate::directory::Directory;
use cluster::raft::{EntryId, Group, Proposal, ProposeError};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use model::{Entry, Series, Time};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far the clock of another member may be ahead of this one's before it is not believed.
const AHEAD_MAX: Time = 1_000_000_000;

/// Resolves when a write is committed.
pub type Pending = Shared<BoxFuture<'static, Result<(), NotTaken>>>;

/// The shard cannot take it here: ask for its leader anew and send it again.
#[derive(Clone, Debug)]
pub struct NotTaken;

/// The leader's side of a shard. Closed while another member leads.
pub struct Intake {
    clock: Arc<Clock>,
    open: Arc<Mutex<Option<Open>>>,
}

/// What the leader knows while it leads.
pub struct Open {
    /// What it has proposed.
    chain: Chain,
    epoch: u64,
    group: Group,
    directory: Directory,
    taken: Taken,
    clock: Time,
    /// Sent again before they were committed.
    in_flight: BTreeMap<(u64, u64), Pending>,
    /// The tasks that run in the shard, as its log says.
    pub running: BTreeMap<String, Run>,
}

/// One sender's connection: the numbers that the shard has for the sender's series.
#[derive(Default)]
pub struct Session {
    epoch: u64,
    numbers: Vec<u32>,
}

impl Session {
    /// Series that are known of the sender.
    pub fn known(&self) -> u32 {
        self.numbers.len() as u32
    }
}

impl Intake {
    /// Closed.
    pub fn new(clock: Arc<Clock>) -> Intake {
        Intake { clock, open: Arc::default() }
    }

    /// Takes points from now on.
    pub fn open(&self, group: Group, led: Led) {
        let Led { mut directory, taken, running, clock } = led;
        directory.set_logged();
        let epoch = uuid::Uuid::new_v4().as_u64_pair().0;
        let (chain, in_flight) = (Chain::begin(epoch), BTreeMap::new());
        *self.open.lock() = Some(Open { chain, epoch, group, directory, taken, clock, in_flight, running });
    }

    /// Takes no more points. What is on its way may or may not be committed.
    pub fn close(&self) {
        *self.open.lock() = None;
    }

    /// Begins to listen to a sender. `None`: this member does not lead.
    pub fn session(&self) -> Option<Session> {
        let open = self.open.lock();
        Some(Session { epoch: open.as_ref()?.epoch, numbers: Vec::new() })
    }

    /// Points are taken here.
    pub fn is_open(&self) -> bool {
        self.open.lock().is_some()
    }

    /// The state while leading.
    pub fn with<T>(&self, look: impl FnOnce(&mut Open) -> T) -> Option<T> {
        self.open.lock().as_mut().map(look)
    }

    /// Series that the shard has, while leading.
    pub fn series(&self) -> u32 {
        self.with(|open| open.directory.len()).unwrap_or_default()
    }

    /// Learns series of a sender.
    pub fn define(&self, session: &mut Session, series: &[Series]) -> Result<(), NotTaken> {
        let mut open = self.open.lock();
        let open = open.as_mut().filter(|open| open.epoch == session.epoch).ok_or(NotTaken)?;
        session.numbers.extend(series.iter().map(|one| open.directory.number(&one.origin, &one.tags)));
        Ok(())
    }

    /// Takes the write of a sender with a number, once, with the session's series numbers; `series` are those that the session does not
    /// know yet. The entry is the same afterwards.
    pub fn offer(
        &self,
        session: &mut Session,
        (sender, number): (u64, u64),
        series: &[Series],
        entry: &mut Entry,
    ) -> Result<Pending, NotTaken> {
        let mut place = self.open.lock();
        let open = place.as_mut().filter(|open| open.epoch == session.epoch).ok_or(NotTaken)?;
        session.numbers.extend(series.iter().map(|one| open.directory.number(&one.origin, &one.tags)));
        if number <= open.taken.last(sender) {
            return Ok(open.sent_again(sender, number));
        }
        let clock = entry.clock.min(self.clock.now().saturating_add(AHEAD_MAX)).max(open.clock + 1);
        let mut own = Vec::with_capacity(entry.runs.len());
        for run in &mut entry.runs {
            let mapped: Option<Vec<u32>> =
                run.series.iter().map(|&series| session.numbers.get(series as usize).copied()).collect();
            own.push(std::mem::replace(&mut run.series, mapped.ok_or(NotTaken)?));
        }
        let before = (entry.clock, entry.first_series);
        (entry.clock, entry.first_series) = (clock, open.directory.logged);
        entry.new_series = open.directory.unlogged().to_vec();
        open.chain = open.chain.next();
        let proposal = propose_points(Header { sender, number, chain: open.chain }, entry);
        (entry.clock, entry.first_series) = before;
        entry.new_series = Vec::new();
        for (run, series) in entry.runs.iter_mut().zip(own) {
            run.series = series;
        }
        open.directory.set_logged();
        open.clock = clock;
        open.taken.take(sender, number, clock);
        let (proposed, epoch, place) = (open.group.propose(proposal), open.epoch, self.open.clone());
        let pending = async move {
            let why = match proposed.await {
                Ok((_, answer)) if answer.is_empty() => return Ok(()),
                Ok(_) => "an earlier write was not taken".to_owned(),
                Err(error) => error.to_string(),
            };
            tracing::debug!(why, "a write was proposed in vain; it is sent again");
            // What follows builds on it: the shard is led anew from what was committed.
            place.lock().take_if(|open| open.epoch == epoch);
            Err(NotTaken)
        };
        let pending = pending.boxed().shared();
        open.in_flight.retain(|(of, _), pending| *of != sender || pending.peek().is_none());
        open.in_flight.insert((sender, number), pending.clone());
        Ok(pending)
    }
}

impl Open {
    /// Proposes something that is neither points nor a task, at its place in the order of the clock.
    pub fn propose_other(
        &mut self,
        other: impl FnOnce(Time) -> Other,
    ) -> BoxFuture<'static, Result<(EntryId, bytes::Bytes), ProposeError>> {
        self.clock = crate::clock::wall().max(self.clock + 1);
        let other = other(self.clock);
        self.group.propose(Proposal { kind: other.kind(), bytes: other.encode().into() }).boxed()
    }

    /// A write that was taken before: done, or still on its way.
    fn sent_again(&self, sender: u64, number: u64) -> Pending {
        match self.in_flight.get(&(sender, number)) {
            Some(pending) => pending.clone(),
            None => async { Ok(()) }.boxed().shared(),
        }
    }
}
