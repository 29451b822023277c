//! The router's side of a shard in a cluster: holds writes until the shard's leader has them
//! committed, and sends them again to the next leader when one is lost. Each has a number, so that
//! the shard takes it once.

use super::intake::{NotTaken, Pending};
use super::{Member, replica::Replica};
use crate::directory::Directory;
use crate::error::WriteError;
use bytes::Bytes;
use cluster::{Carrier, CarryError, MemberId, Topic, carrier::kind};
use futures::stream::{FuturesOrdered, StreamExt};
use model::codec::Decoder;
use model::{Entry, SourceRun, Time};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

/// Writes of one shard that are on their way to its leader at the same time.
const IN_FLIGHT_MAX: usize = 256;

/// Wait before a leader is asked for anew: first, and after that at most.
const SEARCH: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// What stands before the entry in a frame: number, and both parts of the identity.
const HEADER: usize = 24;

/// Series in one frame: after a failure a new leader is told of all that this member knows.
const SERIES_MAX: u32 = 20_000;

/// Bytes of a write for one shard: what a group takes, less what stands before the points.
const ENTRY_BYTES_MAX: u64 = (cluster::raft::PROPOSAL_BYTES_MAX - (1 << 20)) as u64;

/// Points below which a write cannot be too large, unless its strings are enormous.
const LARGE: usize = 10_000;

/// How often it is looked whether the shard has another leader while a write waits.
const LOOK: Duration = Duration::from_millis(100);

/// Frames that wait for the connection.
const FRAMES_MAX: usize = 64;

/// Sends to one shard.
pub struct Sender {
    shard: u32,
    /// This start of this member.
    sender: u64,
    directory: Arc<Mutex<Directory>>,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    writes: VecDeque<Write>,
}

/// A write that is not committed yet, with this member's series numbers.
struct Write {
    /// Its place in what this member sends, for acknowledgements.
    number: u64,
    /// Sender and number by which the shard takes it once.
    identity: (u64, u64),
    entry: Entry,
    /// Series that must be known to whoever takes it.
    series: u32,
    done: oneshot::Sender<Result<(), WriteError>>,
}

impl Write {
    /// Nobody waits for it any more.
    fn is_abandoned(&self) -> bool {
        self.done.is_closed()
    }
}

/// Why a session with a leader has ended.
enum Ended {
    /// It does not lead; maybe another one does.
    NotLeading(Option<MemberId>),
    /// The connection is gone.
    Lost,
}

impl Sender {
    /// Of this start of the member, to a shard whose series it numbers by `directory`.
    pub fn new(shard: u32, sender: u64, directory: Arc<Mutex<Directory>>) -> Sender {
        Sender { shard, sender, directory, waiting: Mutex::default(), wake: Notify::new() }
    }

    /// Sends runs. Resolves when the shard has them, or when nobody can say so in time. Of writes with
    /// one `identity` (sender and number) the shard takes the first, whatever member it comes through.
    pub fn send(
        &self,
        clock: Time,
        runs: Vec<SourceRun>,
        identity: Option<(u64, u64)>,
    ) -> oneshot::Receiver<Result<(), WriteError>> {
        let (done, wait) = oneshot::channel();
        let series = self.directory.lock().len();
        let entry = Entry { clock, first_series: 0, new_series: Vec::new(), runs };
        if let Some(error) = too_large(&entry) {
            // Who waits for it is the caller.
            let _ = done.send(Err(error));
            return wait;
        }
        let mut waiting = self.waiting.lock();
        // While nobody takes writes, those whose clients were told so must not pile up.
        while waiting.writes.front().is_some_and(Write::is_abandoned) {
            waiting.writes.pop_front();
        }
        waiting.last += 1;
        let number = waiting.last;
        let identity = identity.unwrap_or((self.sender, number));
        waiting.writes.push_back(Write { number, identity, entry, series, done });
        drop(waiting);
        self.wake.notify_one();
        wait
    }

    /// Writes that wait for a leader.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().writes.len()
    }

    /// Sends for as long as the member lives.
    pub async fn run(&self, member: Arc<Member>) {
        let mut unanswered: VecDeque<Write> = VecDeque::new();
        let (mut pause, mut hint) = (SEARCH.0, None);
        loop {
            if unanswered.is_empty() {
                self.arrived().await;
            }
            let before = unanswered.front().map(|write| write.number);
            let ended = match member.leader_of(self.shard, hint) {
                Some(leader) if leader == member.me() => match member.replica(self.shard) {
                    Some(replica) => self.local(&replica, &mut unanswered).await,
                    None => Ended::NotLeading(None),
                },
                Some(leader) => self.remote(&member, leader, &mut unanswered).await,
                None => Ended::NotLeading(None),
            };
            hint = match ended {
                Ended::NotLeading(leader) => leader,
                Ended::Lost => None,
            };
            unanswered.retain(|write| !write.is_abandoned());
            let moved = before != unanswered.front().map(|write| write.number);
            pause = if moved { SEARCH.0 } else { (pause * 2).min(SEARCH.1) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits until there is something to send.
    async fn arrived(&self) {
        loop {
            let notified = self.wake.notified();
            if !self.waiting.lock().writes.is_empty() {
                return;
            }
            notified.await;
        }
    }

    fn next(&self) -> Option<Write> {
        let mut waiting = self.waiting.lock();
        while let Some(write) = waiting.writes.pop_front() {
            // Never sent, and its client was told so.
            if !write.is_abandoned() {
                return Some(write);
            }
        }
        None
    }

    /// Sends to this member's own replica.
    async fn local(&self, replica: &Replica, unanswered: &mut VecDeque<Write>) -> Ended {
        let Some(mut session) = replica.intake.session() else { return Ended::NotLeading(None) };
        let mut pending: FuturesOrdered<Pending> = FuturesOrdered::new();
        let mut offered = 0;
        loop {
            while offered < unanswered.len() {
                match self.offer(replica, &mut session, &mut unanswered[offered]) {
                    Ok(answer) => pending.push_back(answer),
                    Err(NotTaken) => return Ended::NotLeading(None),
                }
                offered += 1;
            }
            tokio::select! {
                biased;
                Some(answer) = pending.next() => match answer {
                    Ok(()) => {
                        offered -= 1;
                        answered(unanswered.pop_front());
                    }
                    Err(NotTaken) => return Ended::Lost,
                },
                () = self.arrived(), if offered < IN_FLIGHT_MAX => {
                    replica.feed.room().wait().await;
                    unanswered.extend(self.next());
                }
            }
        }
    }

    fn offer(
        &self,
        replica: &Replica,
        session: &mut super::intake::Session,
        write: &mut Write,
    ) -> Result<Pending, NotTaken> {
        let known = session.known();
        let new =
            if write.series > known { self.directory.lock().series(known, write.series) } else { Vec::new() };
        replica.intake.offer(session, write.identity, &new, &mut write.entry)
    }

    /// Sends to another member.
    async fn remote(&self, member: &Member, leader: MemberId, unanswered: &mut VecDeque<Write>) -> Ended {
        let (frames, outgoing) = mpsc::channel(FRAMES_MAX);
        let topic = Topic { kind: kind::INGEST, group: crate::submit::group(self.shard) };
        let stream = member.carrier().stream(leader, topic, ReceiverStream::new(outgoing).boxed());
        let mut acks = match stream.await {
            Ok(acks) => acks,
            Err(CarryError::Refused(text)) => return Ended::NotLeading(read_hint(&text)),
            Err(_) => return Ended::Lost,
        };
        let (mut known, mut sent) = (0, 0);
        let mut look = tokio::time::interval(LOOK);
        loop {
            while sent < unanswered.len() {
                while unanswered[sent].series - known.min(unanswered[sent].series) > SERIES_MAX {
                    if frames.send(self.define(&mut known)).await.is_err() {
                        return Ended::Lost;
                    }
                }
                let frame = self.frame(&mut unanswered[sent], &mut known);
                if frames.send(frame).await.is_err() {
                    return Ended::Lost;
                }
                sent += 1;
            }
            tokio::select! {
                biased;
                ack = acks.next() => {
                    let Some(Ok(ack)) = ack else { return Ended::Lost };
                    let Some(number) = ack.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
                        return Ended::NotLeading(None);
                    };
                    while unanswered.front().is_some_and(|write| write.number <= number) && sent > 0 {
                        sent -= 1;
                        answered(unanswered.pop_front());
                    }
                }
                () = self.arrived(), if sent < IN_FLIGHT_MAX => unanswered.extend(self.next()),
                // A leader that fell silent is replaced long before its connection breaks.
                _ = look.tick(), if sent > 0 => {
                    if let Some(next) = member.replaced(self.shard, leader) {
                        return Ended::NotLeading(Some(next));
                    }
                }
            }
        }
    }

    /// The next series that the receiver lacks, in a frame without a write.
    fn define(&self, known: &mut u32) -> Bytes {
        let first_series = *known;
        *known += SERIES_MAX;
        let new_series = self.directory.lock().series(first_series, *known);
        let mut frame = vec![0; HEADER];
        model::codec::encode(&Entry { clock: 0, first_series, new_series, runs: Vec::new() }, &mut frame);
        frame.into()
    }

    /// A write as a frame: number, identity, and the entry with the series that the receiver lacks.
    fn frame(&self, write: &mut Write, known: &mut u32) -> Bytes {
        let entry = &mut write.entry;
        if write.series > *known {
            entry.new_series = self.directory.lock().series(*known, write.series);
        }
        entry.first_series = *known;
        *known = (*known).max(write.series);
        let mut frame = Vec::with_capacity(80 + entry.points() * 48);
        for word in [write.number, write.identity.0, write.identity.1] {
            frame.extend(word.to_le_bytes());
        }
        model::codec::encode(entry, &mut frame);
        entry.new_series = Vec::new();
        frame.into()
    }
}

/// No group takes an entry above a size, so none is sent.
fn too_large(entry: &Entry) -> Option<WriteError> {
    if entry.points() < LARGE {
        return None;
    }
    let mut encoded = Vec::new();
    model::codec::encode(entry, &mut encoded);
    let (bytes, limit) = (encoded.len() as u64, ENTRY_BYTES_MAX);
    (bytes > limit).then_some(WriteError::Log(store::Error::TooLarge { bytes, limit }))
}

fn answered(write: Option<Write>) {
    if let Some(write) = write {
        // The client may have given up.
        let _ = write.done.send(Ok(()));
    }
}

const HINT: &str = "does not lead the shard; leader=";

/// The refusal of a member that does not lead.
pub fn not_leading(leader: Option<MemberId>) -> String {
    match leader {
        Some(leader) => format!("{HINT}{leader}"),
        None => HINT.to_owned(),
    }
}

fn read_hint(text: &str) -> Option<MemberId> {
    text.strip_prefix(HINT)?.parse().ok()
}

/// The leader's side of a stream of writes: takes the frames, and acknowledges those that are
/// committed. Ends when the stream does, or when the member leads no more.
pub async fn receive(replica: Arc<Replica>, mut frames: cluster::Frames, acks: mpsc::Sender<Bytes>) {
    let Some(mut session) = replica.intake.session() else { return };
    let mut decoder = Decoder::new();
    let mut pending: FuturesOrdered<_> = FuturesOrdered::new();
    loop {
        tokio::select! {
            biased;
            Some((number, answer)) = pending.next() => {
                let Ok(()): Result<(), NotTaken> = answer else { return };
                let number: u64 = number;
                if acks.send(Bytes::copy_from_slice(&number.to_le_bytes())).await.is_err() {
                    return;
                }
            }
            frame = frames.next(), if pending.len() < IN_FLIGHT_MAX => {
                let Some(Ok(frame)) = frame else { return };
                replica.feed.room().wait().await;
                match take(&replica, &mut session, &mut decoder, &frame) {
                    Ok(Some((number, answer))) => pending.push_back(async move { (number, answer.await) }),
                    Ok(None) => {}
                    Err(why) => {
                        if let Some(why) = why {
                            tracing::error!(shard = replica.shard, why, "another member sent points that cannot be read; are all of one version?");
                        }
                        return;
                    }
                }
            }
        }
    }
}

/// `None`: the frame only tells of series.
fn take(
    replica: &Replica,
    session: &mut super::intake::Session,
    decoder: &mut Decoder,
    frame: &[u8],
) -> Result<Option<(u64, Pending)>, Option<String>> {
    let word = |at: usize| Some(u64::from_le_bytes(*frame.get(at * 8..)?.first_chunk()?));
    let (Some(number), Some(sender), Some(own)) = (word(0), word(1), word(2)) else {
        return Err(Some("a frame is too short".into()));
    };
    let mut entry =
        decoder.decode(&frame[HEADER..], session.known()).map_err(|error| Some(error.to_string()))?;
    let series = std::mem::take(&mut entry.new_series);
    if number == 0 {
        return replica.intake.define(session, &series).map(|()| None).map_err(|NotTaken| None);
    }
    let answer = replica.intake.offer(session, (sender, own), &series, &mut entry);
    Ok(Some((number, answer.map_err(|NotTaken| None)?)))
}
