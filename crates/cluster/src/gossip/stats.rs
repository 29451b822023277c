//! What gossip counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a datagram is not taken. The one list of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reject {
    /// Sealed with another secret, or damaged.
    WrongKey,
    /// Of a member of another cluster.
    WrongCluster,
    /// Not a datagram of ours, or one that cannot be read.
    Malformed,
    /// Of another version of the protocol.
    OtherVersion,
    /// Sent too long ago by the sender's clock.
    TooOld,
    /// From another member that goes by our address or our number.
    Twin,
}

impl Reject {
    pub const COUNT: usize = 6;
}

/// What has been counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams received, whatever they were.
    pub packets_in: u64,
    /// Datagrams sent.
    pub packets_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Refused: sealed with another secret, or damaged.
    pub rejected_wrong_key: u64,
    /// Refused: from a member of another cluster.
    pub rejected_wrong_cluster: u64,
    /// Refused: cannot be read.
    pub rejected_malformed: u64,
    /// Refused: another version of the protocol.
    pub rejected_other_version: u64,
    /// Refused: sent too long ago by the sender's clock.
    pub rejected_too_old: u64,
    /// Refused: from another member that goes by the address or the number of this one.
    pub rejected_twin: u64,
    /// Probes that neither the member nor others on our behalf had answered.
    pub probes_failed: u64,
    /// Datagrams that the system would not send, or for whose receiver no address was known.
    pub send_failures: u64,
    /// Names for which no address was found.
    pub resolve_failures: u64,
    /// Times that this member found itself declared down, and came back under a new generation.
    pub rejoins: u64,
    /// Other members seen alive now.
    pub members_alive: u64,
    /// Other members known, and not alive now.
    pub members_down: u64,
}

/// The same while they are counted.
#[derive(Default)]
pub(super) struct Counters {
    pub packets_in: AtomicU64,
    pub packets_out: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub probes_failed: AtomicU64,
    pub send_failures: AtomicU64,
    pub resolve_failures: AtomicU64,
    pub rejoins: AtomicU64,
    rejected: [AtomicU64; Reject::COUNT],
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    add(counter, 1);
}

pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

impl Counters {
    pub fn reject(&self, why: Reject) {
        if let Some(counter) = self.rejected.get(why as usize) {
            count(counter);
        }
    }

    fn rejected(&self, why: Reject) -> u64 {
        self.rejected.get(why as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub fn read(&self, members_alive: u64, members_down: u64) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            packets_in: get(&self.packets_in),
            packets_out: get(&self.packets_out),
            bytes_in: get(&self.bytes_in),
            bytes_out: get(&self.bytes_out),
            rejected_wrong_key: self.rejected(Reject::WrongKey),
            rejected_wrong_cluster: self.rejected(Reject::WrongCluster),
            rejected_malformed: self.rejected(Reject::Malformed),
            rejected_other_version: self.rejected(Reject::OtherVersion),
            rejected_too_old: self.rejected(Reject::TooOld),
            rejected_twin: self.rejected(Reject::Twin),
            probes_failed: get(&self.probes_failed),
            send_failures: get(&self.send_failures),
            resolve_failures: get(&self.resolve_failures),
            rejoins: get(&self.rejoins),
            members_alive,
            members_down,
        }
    }
}
