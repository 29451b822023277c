//! What the peer port counts, and what it logs of strangers: not more than a line per reason and ten
//! seconds, whatever they do.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Least time between two lines of log for the same reason.
const QUIET: Duration = Duration::from_secs(10);

/// Counts since the server started, but for `connections`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Connections that are open now, past their handshake.
    pub connections: u64,
    /// Connections that were let in.
    pub admitted: u64,
    /// Requests of all kinds that were let in.
    pub requests: u64,
    /// Requests in which the receiver panicked.
    pub panics: u64,
    /// Refused: no secret or another one.
    pub rejected_secret: u64,
    /// Refused: no certificate, one that is not trusted, or one for somebody else.
    pub rejected_certificate: u64,
    /// Refused: member of another cluster.
    pub rejected_cluster: u64,
    /// Refused: another version of the protocol.
    pub rejected_version: u64,
    /// Refused: who does not speak the protocol, is too slow, one too many, meant somebody else, or
    /// asked for what one who is not a member yet may not.
    pub rejected_other: u64,
}

/// Why somebody is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// See [`ServerStats::rejected_secret`]; the others likewise.
    Secret,
    Certificate,
    Cluster,
    Version,
    Other,
}

/// The counters.
#[derive(Debug, Default)]
pub struct Counters {
    pub connections: AtomicU64,
    pub admitted: AtomicU64,
    pub requests: AtomicU64,
    pub panics: AtomicU64,
    rejected: [AtomicU64; 5],
    logged: Mutex<[Logged; 5]>,
}

/// The log of one reason.
#[derive(Clone, Copy, Debug, Default)]
struct Logged {
    last: Option<Instant>,
    kept_quiet: u64,
}

impl Counters {
    /// Counts somebody who is turned away, and may log it.
    pub fn reject(&self, rejected: Rejected, who: &dyn std::fmt::Display, why: &str) {
        let index = rejected as usize;
        if let Some(counter) = self.rejected.get(index) {
            counter.fetch_add(1, Relaxed);
        }
        let Some(kept_quiet) = self.may_log(index, Instant::now()) else { return };
        tracing::warn!(peer = %who, reason = ?rejected, why, kept_quiet, "refused a peer");
    }

    /// How many lines were left out before this one; none if this one must be left out, too.
    fn may_log(&self, index: usize, now: Instant) -> Option<u64> {
        let mut logged = self.logged.lock();
        let logged = logged.get_mut(index)?;
        if logged.last.is_some_and(|last| now.duration_since(last) < QUIET) {
            logged.kept_quiet += 1;
            return None;
        }
        logged.last = Some(now);
        Some(std::mem::take(&mut logged.kept_quiet))
    }

    /// All of them now.
    pub fn read(&self) -> ServerStats {
        let [secret, certificate, cluster, version, other] = &self.rejected;
        ServerStats {
            connections: self.connections.load(Relaxed),
            admitted: self.admitted.load(Relaxed),
            requests: self.requests.load(Relaxed),
            panics: self.panics.load(Relaxed),
            rejected_secret: secret.load(Relaxed),
            rejected_certificate: certificate.load(Relaxed),
            rejected_cluster: cluster.load(Relaxed),
            rejected_version: version.load(Relaxed),
            rejected_other: other.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_do_not_fill_the_log() {
        let (counters, start) = (Counters::default(), Instant::now());
        assert_eq!(counters.may_log(0, start), Some(0));
        for _ in 0..1000 {
            assert_eq!(counters.may_log(0, start + QUIET / 2), None);
        }
        assert_eq!(counters.may_log(1, start), Some(0));
        assert_eq!(counters.may_log(0, start + QUIET), Some(1000));
        assert_eq!(counters.may_log(0, start + QUIET * 2), Some(0));
    }
}
