//! Groups of one member: founded, adopted, restarted, broken; and what is refused.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cluster::raft::{
    self, Committed, Content, EntryId, Error, Group, Groups, Machine, Membership, Options,
    PROPOSAL_BYTES_MAX, Position, Proposal, ProposeError, Role, SnapshotSource, Status, Timing,
};
use cluster::{Carrier, CarryError, Frames, MemberId, Receiver, Topic};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use store::{Log, Record, State};
use tempfile::TempDir;

const ME: MemberId = 5;
const LIMIT: Duration = Duration::from_secs(20);

/// There is nobody else.
struct Nobody;

fn nobody<T: Send + 'static>(to: MemberId) -> BoxFuture<'static, Result<T, CarryError>> {
    let error = CarryError::Unreachable { member: to.to_string(), why: "there is nobody".to_owned() };
    Box::pin(async { Err(error) })
}

impl Carrier for Nobody {
    fn call(
        &self,
        to: MemberId,
        _: Topic,
        _: Bytes,
        _: Duration,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        nobody(to)
    }

    fn stream(
        &self,
        to: MemberId,
        _: Topic,
        _: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Frames, CarryError>> {
        nobody(to)
    }

    fn upload(
        &self,
        to: MemberId,
        _: Topic,
        _: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        nobody(to)
    }
}

/// What a machine has applied and saved; it outlives the machine.
#[derive(Clone, Default)]
struct Notes {
    applied: Arc<Mutex<Vec<Committed>>>,
    saved: Arc<Mutex<Option<Position>>>,
    broken: Arc<AtomicBool>,
}

impl Notes {
    fn proposals(&self) -> Vec<Bytes> {
        let applied = self.applied.lock();
        applied
            .iter()
            .filter_map(|entry| match &entry.content {
                Content::Proposal(proposal) => Some(proposal.bytes.clone()),
                Content::Blank | Content::Membership(_) => None,
            })
            .collect()
    }

    /// Saves the state as of the last entry applied.
    fn save(&self) -> EntryId {
        let applied = self.applied.lock();
        let membership = applied.iter().rev().find_map(|entry| match &entry.content {
            Content::Membership(membership) => Some(membership.clone()),
            Content::Blank | Content::Proposal(_) => None,
        });
        let id = applied.last().unwrap().id;
        let mut saved = self.saved.lock();
        let membership = membership.or(saved.take().map(|position| position.membership)).unwrap();
        *saved = Some(Position { id, membership });
        id
    }
}

impl SnapshotSource for Notes {
    fn write(&self, _: &mut dyn io::Write) -> io::Result<Position> {
        self.saved.lock().clone().ok_or_else(|| io::Error::other("nothing is saved"))
    }
}

impl Machine for Notes {
    fn position(&self) -> Option<Position> {
        self.saved.lock().clone()
    }

    fn apply(&mut self, entries: Vec<Committed>) -> BoxFuture<'_, io::Result<Vec<Bytes>>> {
        Box::pin(async move {
            if self.broken.load(Ordering::Relaxed) {
                return Err(io::Error::other("the machine is out of order"));
            }
            let answers = entries.iter().map(|entry| Bytes::from(entry.id.index.to_string())).collect();
            self.applied.lock().extend(entries);
            Ok(answers)
        })
    }

    fn saved(&self) -> Option<(Position, Arc<dyn SnapshotSource>)> {
        let position = self.saved.lock().clone()?;
        Some((position, Arc::new(self.clone())))
    }

    fn install(&mut self, _: Position, _: File) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { Err(io::Error::other("there is nobody who could have sent it")) })
    }
}

struct Home {
    dir: TempDir,
    log: Arc<Log>,
    state: Arc<State>,
}

fn home() -> Home {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let options = store::Options { segment_bytes: 64 << 10, ..store::Options::default() };
    let (log, _) = Log::open(dir.path().join("log"), options).unwrap();
    let state = State::open(dir.path().join("state")).unwrap();
    Home { dir, log: Arc::new(log), state: Arc::new(state) }
}

impl Home {
    async fn start(&self, group: u64, notes: &Notes) -> Result<Group, Error> {
        let election = Duration::from_millis(100)..Duration::from_millis(200);
        let timing =
            Timing { heartbeat: Duration::from_millis(20), election, patience: Duration::from_millis(2) };
        let spool = self.dir.path().join("spool");
        let options = Options { me: ME, group, timing, sync: group == 0, spool };
        let (log, state) = (Arc::clone(&self.log), Arc::clone(&self.state));
        Group::start(options, log, state, Arc::new(Nobody), notes.clone()).await
    }

    async fn founded(&self, group: u64, notes: &Notes) -> Group {
        let group = self.start(group, notes).await.unwrap();
        group.found(BTreeSet::from([ME])).await.unwrap();
        until(&group, Status::leads).await;
        group
    }
}

async fn until(group: &Group, holds: impl Fn(&Status) -> bool) -> Status {
    let mut changes = group.changes();
    let waited = tokio::time::timeout(LIMIT, async {
        loop {
            let status = group.status();
            if holds(&status) || changes.next().await.is_none() {
                return group.status();
            }
        }
    });
    let status = waited.await.expect("the group takes too long");
    assert!(holds(&status), "{status:?}");
    status
}

fn proposal(text: &str) -> Proposal {
    Proposal { kind: 1, bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_one_takes_proposals_in_order_and_again_after_a_restart() {
    let (home, notes) = (home(), Notes::default());
    let group = home.founded(0, &notes).await;
    let answers: Vec<_> = (0..500).map(|number| group.propose(proposal(&format!("p{number}")))).collect();
    let answers = futures::future::join_all(answers).await;
    let ids: Vec<EntryId> = answers
        .into_iter()
        .map(|answer| {
            let (id, answer) = answer.unwrap();
            assert_eq!(answer, id.index.to_string());
            id
        })
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    let all: Vec<Bytes> = (0..500).map(|number| Bytes::from(format!("p{number}"))).collect();
    assert_eq!(notes.proposals(), all);
    let last = ids.last().unwrap().index;
    let read = group.read_index().await.unwrap();
    assert!(read >= last && group.wait_applied(read, LIMIT).await);
    assert!(!group.wait_applied(read + 1, Duration::ZERO).await);

    // Saved, purged but for a few entries, and stopped.
    let saved = notes.save();
    group.snapshot_saved().await.unwrap();
    let purged = tokio::time::timeout(LIMIT, async {
        while home.log.first_index(0).is_none_or(|first| first == 0) {
            tokio::task::yield_now().await;
        }
        home.log.first_index(0).unwrap()
    });
    assert_eq!(purged.await.unwrap(), saved.index - 127);
    let (_, answer) = group.propose(proposal("after")).await.unwrap();
    assert!(!answer.is_empty());
    group.stop().await;
    assert_eq!(group.status().role, Role::Stopped);
    assert_eq!(group.propose(proposal("late")).await, Err(ProposeError::Stopped));

    // What is behind the saved state is applied again, and nothing else.
    notes.applied.lock().clear();
    let group = home.start(0, &notes).await.unwrap();
    let status = until(&group, Status::leads).await;
    assert!(status.term >= 2 && status.voters == BTreeSet::from([ME]) && status.leader == Some(ME));
    let (_, answer) = group.propose(proposal("again")).await.unwrap();
    assert!(!answer.is_empty());
    assert_eq!(notes.proposals(), [Bytes::from("after"), Bytes::from("again")]);
    group.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_from_before_raft_goes_on_as_a_group_of_one() {
    let (home, notes) = (home(), Notes::default());
    for index in 10..50 {
        home.log.append(&[Record { group: 3, index, kind: 1, parts: &[b"points"] }]).unwrap();
    }
    let position = raft::adopt(&home.state, ME, 3, 49).unwrap();
    *notes.saved.lock() = Some(position.clone());
    assert_eq!(Membership::decode(&position.membership).unwrap().voters, [BTreeSet::from([ME])]);
    let group = home.start(3, &notes).await.unwrap();
    until(&group, Status::leads).await;
    assert!(matches!(group.found(BTreeSet::from([ME])).await, Err(Error::Founded(3))));
    let (id, _) = group.propose(proposal("first")).await.unwrap();
    assert!(id.index > 49 && id.term > 1, "{id:?}");
    assert_eq!(notes.proposals(), [Bytes::from("first")]);
    group.stop().await;
    // Without what it saved, the member must not pretend to know anything.
    *notes.saved.lock() = None;
    assert!(matches!(home.start(3, &notes).await, Err(Error::Behind { group: 3, .. })));
    raft::forget(&home.log, &home.state, 3).unwrap();
    let group = home.start(3, &notes).await.unwrap();
    assert_eq!(group.status().role, Role::Learner);
    group.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_fails_stops_its_group_visibly_and_no_other_one() {
    let (home, notes, other_notes) = (home(), Notes::default(), Notes::default());
    let group = home.founded(1, &notes).await;
    let other = home.founded(2, &other_notes).await;
    let mut changes = group.changes();
    notes.broken.store(true, Ordering::Relaxed);
    let failed = group.propose(proposal("poison")).await;
    assert!(matches!(failed, Err(ProposeError::Unknown(why)) if why.contains("out of order")));
    let ended = tokio::time::timeout(LIMIT, async { while changes.next().await.is_some() {} });
    ended.await.expect("nobody is told that the group has ended");
    let status = group.status();
    assert_eq!(status.role, Role::Stopped);
    assert!(status.fatal.is_some_and(|why| why.contains("the machine is out of order")));
    assert!(matches!(group.snapshot_saved().await, Err(Error::Stopped { group: 1, .. })));
    assert!(other.propose(proposal("fine")).await.is_ok());
    other.stop().await;
    group.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused() {
    let (home, notes) = (home(), Notes::default());
    let group = home.start(4, &notes).await.unwrap();
    let refused = group.propose(proposal("too early")).await;
    assert_eq!(refused, Err(ProposeError::NotLeader { leader: None }));
    assert!(matches!(group.read_index().await, Err(ProposeError::NotLeader { leader: None })));
    assert!(matches!(group.hand_over(9, LIMIT).await, Err(Error::NotLeader { .. })));
    assert!(matches!(group.found(BTreeSet::from([8, 9])).await, Err(Error::Refused(_))));
    group.found(BTreeSet::from([ME])).await.unwrap();
    until(&group, Status::leads).await;
    let bytes = PROPOSAL_BYTES_MAX + 1;
    let large = group.propose(Proposal { kind: 1, bytes: vec![0; bytes].into() }).await;
    assert_eq!(large, Err(ProposeError::TooLarge { bytes, limit: PROPOSAL_BYTES_MAX }));
    // Nothing is saved yet, which breaks nothing.
    group.snapshot_saved().await.unwrap();
    group.propose(proposal("fine")).await.unwrap();
    group.hand_over(ME, LIMIT).await.unwrap();
    assert!(matches!(group.hand_over(9, LIMIT).await, Err(Error::Refused(_))));
    assert!(matches!(group.remove_learner(ME).await, Err(Error::Refused(_))));
    group.remove_learner(77).await.unwrap();
    let silent = group.add_learner(77, Duration::from_millis(50)).await;
    assert!(matches!(silent, Err(Error::Timeout { .. })), "{silent:?}");
    assert_eq!(group.status().learners, BTreeSet::from([77]));
    assert!(matches!(group.set_voters(BTreeSet::from([ME, 78])).await, Err(Error::Refused(_))));
    assert!(matches!(group.set_voters(BTreeSet::new()).await, Err(Error::Refused(_))));
    group.remove_learner(77).await.unwrap();
    until(&group, |status| status.learners.is_empty()).await;
    group.stop().await;
}

#[tokio::test]
async fn what_is_for_no_group_here_is_refused_with_a_reason() {
    let groups = Groups::new();
    let topic = Topic { kind: cluster::carrier::kind::VOTE, group: 12 };
    assert!(Groups::handles(topic.kind) && !Groups::handles(cluster::carrier::kind::INGEST));
    let refused = groups.call(1, topic, Bytes::new()).await;
    assert_eq!(refused, Err("this member is not in Raft group 12".to_owned()));
    let (home, notes) = (home(), Notes::default());
    let group = home.start(12, &notes).await.unwrap();
    groups.add(&group);
    let refused = groups.call(1, topic, Bytes::from_static(b"\x01noise")).await.unwrap_err();
    assert!(refused.starts_with("cannot read the request"), "{refused}");
    // A vote in the name of another member: term 7, member 3, not committed, no log, no transfer.
    let mut forged = vec![1];
    forged.extend_from_slice(&7u64.to_le_bytes());
    forged.extend_from_slice(&3u64.to_le_bytes());
    forged.extend_from_slice(&[0, 0, 0]);
    let refused = groups.call(1, topic, forged.clone().into()).await;
    assert_eq!(refused, Err("member 1 speaks for member 3".to_owned()));
    assert!(groups.call(3, topic, forged.into()).await.is_ok());
    assert!(groups.remove(12).is_some() && groups.all().is_empty());
    group.stop().await;
}
