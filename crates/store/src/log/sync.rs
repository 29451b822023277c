//! Group commit: one thread flushes the log, one flush answers everybody who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::disk::Disk;
use super::segment::Segment;
use super::stats::Counters;
use super::{Position, Sync};
use crate::error::{Error, Result};

/// How long the log must be idle before it notes what is durable inside itself.
const IDLE: Duration = Duration::from_secs(1);

/// How far the log is on the platter, as those who wait see it.
#[derive(Debug, Clone, Default)]
struct Progress {
    durable: u64,
    failed: Option<Error>,
}

/// The state shared by writers, waiters and the flushing thread.
pub(crate) struct Syncer {
    policy: Sync,
    state: Mutex<State>,
    wake: Condvar,
    written: AtomicU64,
    durable: AtomicU64,
    /// Set by the first write after a flush, so that only that one wakes the thread.
    dirty: AtomicBool,
    progress: watch::Sender<Progress>,
    progressed: Condvar,
}

struct State {
    /// Flush at once up to here.
    want: u64,
    /// Segments that may have unflushed bytes, ascending; the last one is written to.
    open: Vec<Arc<Segment>>,
    failed: Option<Error>,
    stop: bool,
}

/// What the thread does next.
enum Step {
    Flush(Vec<Arc<Segment>>, u64),
    Note,
    Stop,
}

impl Syncer {
    /// Starts with everything up to `position` on the platter.
    pub(crate) fn new(policy: Sync, active: Arc<Segment>, position: Position) -> Syncer {
        let durable = position.0;
        let state = State { want: 0, open: vec![active], failed: None, stop: false };
        Syncer {
            policy,
            state: Mutex::new(state),
            wake: Condvar::new(),
            written: durable.into(),
            durable: durable.into(),
            dirty: false.into(),
            progress: watch::Sender::new(Progress { durable, failed: None }),
            progressed: Condvar::new(),
        }
    }

    /// How far the log is on the platter.
    pub(crate) fn durable(&self) -> Position {
        Position(self.durable.load(SeqCst))
    }

    /// How far the log is in the kernel.
    pub(crate) fn written(&self) -> Position {
        Position(self.written.load(SeqCst))
    }

    /// The offset up to which `segment` (and all before it) is on the platter, or 0.
    pub(crate) fn durable_in(&self, segment: u32) -> u32 {
        let durable = self.durable();
        if durable.segment() == segment { durable.offset() } else { 0 }
    }

    /// The failure that stopped the log, if any.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.progress.borrow().failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// A new segment is written to from now on.
    pub(crate) fn opened(&self, segment: Arc<Segment>) {
        self.state.lock().open.push(segment);
    }

    /// Bytes up to `position` are in the kernel.
    pub(crate) fn wrote(&self, position: Position) {
        self.written.store(position.0, SeqCst);
        if !self.dirty.swap(true, SeqCst) {
            let _state = self.state.lock();
            self.wake.notify_one();
        }
    }

    /// Asks for a flush up to `position` at once.
    pub(crate) fn request(&self, position: Position) -> Result<()> {
        let mut state = self.state.lock();
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        if state.stop {
            return Err(Error::Closed);
        }
        if position.0 > state.want {
            state.want = position.0;
            self.wake.notify_one();
        }
        Ok(())
    }

    /// A position of another opening of the log may lie ahead of everything; nobody waits for that.
    fn reachable(&self, position: Position) -> Position {
        position.min(self.written())
    }

    /// Completes once `position` is on the platter.
    pub(crate) fn wait(&self, position: Position) -> impl Future<Output = Result<()>> + Send + use<> {
        let position = self.reachable(position);
        let mut progress = self.progress.subscribe();
        let early = match self.durable() >= position {
            true => Some(Ok(())),
            false => self.request(position).err().map(Err),
        };
        async move {
            if let Some(result) = early {
                return result;
            }
            let reached = |p: &Progress| p.durable >= position.0 || p.failed.is_some();
            match progress.wait_for(reached).await {
                Ok(p) if p.durable >= position.0 => Ok(()),
                Ok(p) => Err(p.failed.clone().unwrap_or(Error::Closed)),
                Err(_) => Err(Error::Closed),
            }
        }
    }

    /// Blocks until `position` is on the platter.
    pub(crate) fn wait_blocking(&self, position: Position) -> Result<()> {
        let position = self.reachable(position);
        if self.durable() >= position {
            return Ok(());
        }
        self.request(position)?;
        let mut state = self.state.lock();
        while self.durable() < position {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            self.progressed.wait(&mut state);
        }
        Ok(())
    }

    /// Lets the thread flush what is left and end.
    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.wake.notify_one();
    }

    /// The body of the flushing thread. `flushed` is called after each flush, also a failed one;
    /// `note` writes the durable position into the log.
    pub(crate) fn run(&self, disk: &Disk, counters: &Counters, flushed: impl Fn(), note: impl Fn()) {
        let mut noted = self.durable.load(SeqCst);
        loop {
            match self.next_step(noted) {
                Step::Flush(segments, target) => {
                    let started = Instant::now();
                    let result = flush(disk, &segments);
                    counters.synced(started.elapsed());
                    let going_on = self.publish(target, result);
                    flushed();
                    if !going_on {
                        return;
                    }
                }
                Step::Note => {
                    note();
                    noted = self.durable.load(SeqCst);
                }
                Step::Stop => {
                    if noted < self.durable.load(SeqCst) {
                        note();
                    }
                    return;
                }
            }
        }
    }

    fn next_step(&self, noted: u64) -> Step {
        let mut state = self.state.lock();
        let mut dirty_since = None;
        let mut idle_since = None;
        loop {
            let (written, durable) = (self.written.load(SeqCst), self.durable.load(SeqCst));
            if written > durable {
                let since = *dirty_since.get_or_insert_with(Instant::now);
                if state.stop || state.want > durable || self.due(since) {
                    return self.flush_step(&state);
                }
                match self.policy {
                    Sync::Interval(interval) => match since.checked_add(interval) {
                        Some(due) => _ = self.wake.wait_until(&mut state, due),
                        None => self.wake.wait(&mut state),
                    },
                    Sync::Always => return self.flush_step(&state),
                }
            } else if state.stop {
                return Step::Stop;
            } else if noted < durable {
                let since = *idle_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= IDLE {
                    return Step::Note;
                }
                let _ = self.wake.wait_until(&mut state, since + IDLE);
            } else {
                self.wake.wait(&mut state);
            }
        }
    }

    fn due(&self, since: Instant) -> bool {
        match self.policy {
            Sync::Always => true,
            Sync::Interval(interval) => since.elapsed() >= interval,
        }
    }

    fn flush_step(&self, state: &State) -> Step {
        // Cleared before `written` is read: a write in between sets it again and is seen next time.
        self.dirty.store(false, SeqCst);
        let target = self.written.load(SeqCst);
        let number = Position(target).segment();
        let segments = state.open.iter().filter(|s| s.number <= number).cloned().collect();
        Step::Flush(segments, target)
    }

    fn publish(&self, target: u64, result: Result<()>) -> bool {
        let mut state = self.state.lock();
        match result {
            Ok(()) => {
                self.durable.store(target, SeqCst);
                let number = Position(target).segment();
                state.open.retain(|segment| segment.number >= number);
                self.progress.send_modify(|p| p.durable = target);
            }
            Err(error) => {
                tracing::error!(%error, "the log takes no more writes");
                state.failed = Some(error.clone());
                self.progress.send_modify(|p| p.failed = Some(error));
            }
        }
        self.progressed.notify_all();
        state.failed.is_none()
    }
}

fn flush(disk: &Disk, segments: &[Arc<Segment>]) -> Result<()> {
    for segment in segments {
        disk.sync(&segment.file)
            .map_err(|source| Error::SyncFailed { path: segment.path.clone(), source: Arc::new(source) })?;
    }
    Ok(())
}
