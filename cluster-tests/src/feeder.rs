//! Writes numbered bodies, one after the other, to the members in turn, and remembers when each was
//! acknowledged.
//!
//! A body is written until some member acknowledges it, and only then the next one, so every server
//! gets the points in one order. An answer that never comes, or is no 204, leaves a doubt: the body
//! may have been taken as well. Each is sent with its own `Idempotency-Key`.

use crate::failure::Outcome;
use crate::http::{self, WriteLimits, Written};
use crate::points::{self, DATABASE};
use crate::wait;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause after each acknowledged body.
const PACE: Duration = Duration::from_millis(20);

/// Pause after every member has refused a body.
const BREATH: Duration = Duration::from_millis(20);

const LIMITS: WriteLimits =
    WriteLimits { wanted: Duration::from_millis(400), answer: Duration::from_secs(5) };

/// How long a member that took nothing is not asked if there are others.
const SHUN_UNTAKEN: Duration = Duration::from_millis(500);

/// The same for one that left a doubt.
const SHUN_DOUBTFUL: Duration = Duration::from_secs(10);

/// Longest wait for points to be acknowledged again, whatever happened.
pub const STALL: Duration = Duration::from_secs(40);

/// What happened to the bodies.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// When each was acknowledged, by number.
    pub acknowledged: Vec<Instant>,
    /// Bodies that may have been taken more often, by number, and how much more often.
    pub doubtful: BTreeMap<u64, u64>,
    /// Why they are in doubt, and how often.
    pub doubts: BTreeMap<String, u64>,
    /// Attempts of which nobody took anything.
    pub untaken: u64,
    /// What the last failed attempt was told.
    pub trouble: String,
}

struct Shared {
    targets: Mutex<Vec<SocketAddr>>,
    journal: Mutex<Journal>,
    stop: AtomicBool,
}

/// A feeder that runs. Dropping it stops it.
pub struct Feeder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Starts to write to these APIs.
    pub fn start(targets: Vec<SocketAddr>) -> Feeder {
        let shared = Arc::new(Shared {
            targets: Mutex::new(targets),
            journal: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let own = shared.clone();
        Feeder { shared, thread: Some(std::thread::spawn(move || own.run())) }
    }

    /// Writes to these from now on.
    pub fn aim(&self, targets: Vec<SocketAddr>) {
        *lock(&self.shared.targets) = targets;
    }

    /// What happened so far.
    pub fn journal(&self) -> Journal {
        lock(&self.shared.journal).clone()
    }

    /// Bodies acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        lock(&self.shared.journal).acknowledged.len()
    }

    /// Waits until so many more bodies are acknowledged.
    pub fn goes_on(&self, bodies: usize, mut check: impl FnMut() -> Outcome) -> Outcome {
        let begun = self.acknowledged();
        let limit = STALL + PACE * 5 * u32::try_from(bodies).unwrap_or(u32::MAX);
        wait::until(&format!("{bodies} more writes to be acknowledged"), limit, || {
            check().map_err(|failure| failure.to_string())?;
            let journal = lock(&self.shared.journal);
            let more = journal.acknowledged.len().saturating_sub(begun);
            let told = || format!("{more} are; the last trouble was {:?}", journal.trouble);
            if more >= bodies { Ok(()) } else { Err(told()) }
        })
    }

    /// Ends after the body that is being written is acknowledged, and tells everything.
    pub fn finish(mut self) -> Outcome<Journal> {
        self.shared.stop.store(true, Relaxed);
        wait::until("the last write to be acknowledged", STALL, || {
            let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            if ended { Ok(()) } else { Err(format!("the last trouble was {:?}", self.journal().trouble)) }
        })?;
        if let Some(thread) = self.thread.take() {
            // A panic there would show as a body too few.
            let _ = thread.join();
        }
        Ok(self.journal())
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
    }
}

impl Shared {
    fn run(&self) {
        let (mut number, mut shunned) = (0, Shunned::default());
        while !self.stop.load(Relaxed) && self.write(number, &mut shunned) {
            number += 1;
            std::thread::sleep(PACE);
        }
    }

    /// Writes a body until it is acknowledged; says no only when nobody takes it for very long.
    fn write(&self, number: u64, shunned: &mut Shunned) -> bool {
        let (body, key) = (points::body(number), format!("load-{number}"));
        let path = format!("/kapacitor/v1/write?db={DATABASE}&rp=autogen&precision=s");
        let begun = Instant::now();
        for attempt in 0_u64.. {
            let targets = lock(&self.targets).clone();
            let Some(target) = shunned.choose(&targets, number + attempt) else { return false };
            let written = http::write(target, &path, &key, &body, LIMITS);
            let mut journal = lock(&self.journal);
            let (why, shun) = match written {
                Written::Acknowledged => {
                    journal.acknowledged.push(Instant::now());
                    return true;
                }
                Written::Untaken(why) => {
                    journal.untaken += 1;
                    (why, SHUN_UNTAKEN)
                }
                Written::Doubtful(why) => {
                    *journal.doubtful.entry(number).or_default() += 1;
                    *journal.doubts.entry(format!("{}: {why}", target.ip())).or_default() += 1;
                    (why, SHUN_DOUBTFUL)
                }
            };
            journal.trouble = format!("{target}: {why}");
            drop(journal);
            shunned.shun(target, shun);
            if begun.elapsed() > STALL * 2 {
                return false;
            }
            if attempt + 1 >= targets.len() as u64 {
                std::thread::sleep(BREATH);
            }
        }
        false
    }
}

/// Members that lately failed, and until when others are asked first: as a load balancer does.
#[derive(Debug, Default)]
struct Shunned(BTreeMap<SocketAddr, Instant>);

impl Shunned {
    /// The next target in turn that is not shunned; when all are, the one whose turn it is.
    fn choose(&self, targets: &[SocketAddr], turn: u64) -> Option<SocketAddr> {
        let now = Instant::now();
        let first = turn as usize % targets.len().max(1);
        let (before, after) = targets.split_at_checked(first)?;
        let mut in_turn = after.iter().chain(before);
        let good = in_turn.find(|target| self.0.get(target).is_none_or(|until| *until <= now));
        good.or(after.first()).copied()
    }

    fn shun(&mut self, target: SocketAddr, time: Duration) {
        self.0.insert(target, Instant::now() + time);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Longest time without an acknowledgement between two moments.
    pub fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let before = self.acknowledged.iter().rev().find(|at| **at <= from).copied().unwrap_or(from);
        let mut last = before.max(from);
        let mut longest = Duration::ZERO;
        for at in self.acknowledged.iter().copied().filter(|at| *at > from).chain([to]) {
            let at = at.min(to);
            longest = longest.max(at.saturating_duration_since(last));
            last = at;
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_failed_are_asked_last() {
        let targets: Vec<SocketAddr> =
            [1, 2, 3].map(|port| SocketAddr::from(([127, 0, 0, 1], port))).to_vec();
        let mut shunned = Shunned::default();
        let choose = |shunned: &Shunned| {
            let chosen = (0..3).filter_map(|turn| shunned.choose(&targets, turn));
            chosen.map(|target| target.port()).collect::<Vec<_>>()
        };
        assert_eq!(choose(&shunned), [1, 2, 3]);
        shunned.shun(targets[1], SHUN_DOUBTFUL);
        assert_eq!(choose(&shunned), [1, 3, 3]);
        shunned.shun(targets[2], SHUN_DOUBTFUL);
        assert_eq!(choose(&shunned), [1, 1, 1]);
        shunned.shun(targets[0], SHUN_DOUBTFUL);
        assert_eq!(choose(&shunned), [1, 2, 3], "all are shunned: everybody is asked in turn");
        shunned.shun(targets[1], Duration::ZERO);
        assert_eq!(choose(&shunned), [2, 2, 2]);
        assert_eq!(shunned.choose(&[], 0), None);
    }

    #[test]
    fn gaps_are_measured_between_two_moments() {
        let begun = Instant::now();
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let journal =
            Journal { acknowledged: [10, 20, 500, 510, 900].map(at).to_vec(), ..Journal::default() };
        for (from, to, expected) in
            [(0, 30, 10), (0, 600, 480), (100, 510, 400), (505, 895, 385), (20, 300, 280), (901, 950, 49)]
        {
            assert_eq!(journal.longest_gap(at(from), at(to)), Duration::from_millis(expected), "{from}");
        }
    }
}
