//! A member that is talked to: its connections, and when to dial it again.

use super::dial::{DialError, Dialed, Dialer};
use super::status::carry;
use super::{Address, MemberStats};
use crate::MemberId;
use crate::carrier::CarryError;
use crate::rpc::MESSAGE_BYTES_MAX;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use proto::peer::peer_client::PeerClient;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Code, Status};

/// First wait after a failed dial; twice as long after each further one.
const WAIT_MIN: Duration = Duration::from_millis(50);

/// Longest wait if the machine says that nobody listens: a member that starts again must be found
/// soon.
const WAIT_MAX_CHEAP: Duration = Duration::from_millis(150);

/// Longest wait otherwise.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A connection that ends sooner counts as a failed dial.
const SHORT: Duration = Duration::from_millis(50);

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    /// Calls, and streams of the control group.
    Control = 0,
    /// Streams of points and of shards' entries.
    Bulk = 1,
    /// Uploads.
    Upload = 2,
}

/// Counters of one member; see [`MemberStats`].
#[derive(Debug, Default)]
pub struct Counters {
    dials: AtomicU64,
    dials_failed: AtomicU64,
    requests: AtomicU64,
    requests_failed: AtomicU64,
    pub sent_bytes: AtomicU64,
    pub received_bytes: AtomicU64,
}

/// A member.
pub struct Target {
    dialer: Arc<Dialer>,
    member: Option<MemberId>,
    address: Address,
    slots: [Mutex<Slot>; 3],
    backoff: Mutex<Backoff>,
    pub counters: Counters,
}

/// A connection that is open, being made, or not there.
#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Dialing(Dialing),
    Open(Arc<Connection>),
}

/// A dial that many may wait for. It goes on when they give up.
type Dialing = Shared<BoxFuture<'static, Result<Arc<Connection>, CarryError>>>;

/// An open connection.
pub struct Connection {
    channel: Channel,
    open: Arc<AtomicBool>,
    since: Instant,
}

impl Connection {
    /// A client that sends over it.
    pub fn client(&self) -> PeerClient<Channel> {
        PeerClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn is_open(&self) -> bool {
        self.open.load(Relaxed)
    }
}

/// What to do for a connection.
enum Next {
    Use(Arc<Connection>),
    Await(Dialing),
    /// Not now.
    Wait(Duration, CarryError),
}

impl Target {
    /// A member at an address, or whoever is at that address.
    pub fn new(dialer: Arc<Dialer>, member: Option<MemberId>, address: Address) -> Arc<Target> {
        Arc::new(Target {
            dialer,
            member,
            address,
            slots: Default::default(),
            backoff: Mutex::default(),
            counters: Counters::default(),
        })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Forgets failed dials.
    pub fn retry_now(&self) {
        *self.backoff.lock() = Backoff::default();
    }

    /// A connection, dialed if need be. After a failed dial there is none for a while: that is an
    /// error, unless it is to be waited for.
    pub async fn connection(self: &Arc<Self>, lane: Lane, wait: bool) -> Result<Arc<Connection>, CarryError> {
        loop {
            match self.next(lane) {
                Next::Use(connection) => return Ok(connection),
                Next::Await(dialing) => return dialing.await,
                Next::Wait(time, _) if wait => tokio::time::sleep(time).await,
                Next::Wait(_, error) => return Err(error),
            }
        }
    }

    fn next(self: &Arc<Self>, lane: Lane) -> Next {
        let now = Instant::now();
        let mut slot = self.slot(lane).lock();
        match &*slot {
            Slot::Open(connection) if connection.is_open() => return Next::Use(connection.clone()),
            Slot::Open(connection) if now.duration_since(connection.since) < SHORT => {
                let error = self.unreachable("it ends connections as soon as they are made");
                self.backoff.lock().failed(now, true, error);
            }
            Slot::Dialing(dialing) => return Next::Await(dialing.clone()),
            Slot::Open(_) | Slot::Empty => {}
        }
        if let Some((time, error)) = self.backoff.lock().wait(now) {
            *slot = Slot::Empty;
            return Next::Wait(time, error);
        }
        self.counters.dials.fetch_add(1, Relaxed);
        let target = self.clone();
        let dialing = tokio::spawn(async move { target.dial(lane).await });
        let ended = self.unreachable("dialing was interrupted");
        let dialing = dialing.map(|dialed| dialed.unwrap_or(Err(ended))).boxed().shared();
        *slot = Slot::Dialing(dialing.clone());
        Next::Await(dialing)
    }

    async fn dial(&self, lane: Lane) -> Result<Arc<Connection>, CarryError> {
        let dialed = self.dialer.dial(&self.address, self.member).await;
        let now = Instant::now();
        let mut slot = self.slot(lane).lock();
        match dialed {
            Ok(Dialed { channel, open }) => {
                let connection = Arc::new(Connection { channel, open, since: now });
                *slot = Slot::Open(connection.clone());
                *self.backoff.lock() = Backoff::default();
                Ok(connection)
            }
            Err(DialError { error, is_cheap }) => {
                *slot = Slot::Empty;
                self.backoff.lock().failed(now, is_cheap, error.clone());
                self.counters.dials_failed.fetch_add(1, Relaxed);
                tracing::debug!(%error, "dialed in vain");
                Err(error)
            }
        }
    }

    fn slot(&self, lane: Lane) -> &Mutex<Slot> {
        let [control, bulk, upload] = &self.slots;
        match lane {
            Lane::Control => control,
            Lane::Bulk => bulk,
            Lane::Upload => upload,
        }
    }

    /// What an error of a request means. If the connection may be to blame, the next request gets a
    /// new one.
    pub fn failed(&self, connection: &Connection, status: Status) -> CarryError {
        if matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal) {
            connection.open.store(false, Relaxed);
        }
        carry(&status, &self.address.name)
    }

    /// Counts a request by its result.
    pub fn count<T>(&self, result: Result<T, CarryError>) -> Result<T, CarryError> {
        self.counters.requests.fetch_add(1, Relaxed);
        if result.is_err() {
            self.counters.requests_failed.fetch_add(1, Relaxed);
        }
        result
    }

    /// What went to it.
    pub fn stats(&self) -> MemberStats {
        let is_open = |slot: &&Mutex<Slot>| matches!(&*slot.lock(), Slot::Open(open) if open.is_open());
        MemberStats {
            rpc: self.address.rpc.clone(),
            connections: self.slots.iter().filter(is_open).count() as u64,
            dials: self.counters.dials.load(Relaxed),
            dials_failed: self.counters.dials_failed.load(Relaxed),
            requests: self.counters.requests.load(Relaxed),
            requests_failed: self.counters.requests_failed.load(Relaxed),
            sent_bytes: self.counters.sent_bytes.load(Relaxed),
            received_bytes: self.counters.received_bytes.load(Relaxed),
            error: self.backoff.lock().last.as_ref().map(|last| last.error.to_string()),
        }
    }

    fn unreachable(&self, why: &str) -> CarryError {
        CarryError::Unreachable { member: self.address.name.clone(), why: why.to_owned() }
    }
}

/// When to dial again.
#[derive(Debug, Default)]
struct Backoff {
    last: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    wait: Duration,
    error: CarryError,
}

impl Backoff {
    /// After a dial that failed.
    fn failed(&mut self, now: Instant, is_cheap: bool, error: CarryError) {
        let longer = self.last.as_ref().map_or(WAIT_MIN, |last| last.wait * 2);
        let wait = longer.min(if is_cheap { WAIT_MAX_CHEAP } else { WAIT_MAX });
        self.last = Some(Failed { at: now, wait, error });
    }

    /// How long to wait, and why; none if it is time to dial.
    fn wait(&self, now: Instant) -> Option<(Duration, CarryError)> {
        let last = self.last.as_ref()?;
        let left = (last.at + last.wait).checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some((left, last.error.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit() {
        for (is_cheap, expected) in
            [(true, [50, 100, 150, 150, 150, 150]), (false, [50, 100, 200, 400, 800, 1000])]
        {
            let (mut backoff, now) = (Backoff::default(), Instant::now());
            assert!(backoff.wait(now).is_none());
            for expected in expected.map(Duration::from_millis) {
                backoff.failed(now, is_cheap, CarryError::Refused("for a test".to_owned()));
                assert_eq!(backoff.wait(now).map(|(wait, _)| wait), Some(expected));
                assert!(backoff.wait(now + expected).is_none());
            }
        }
    }
}
