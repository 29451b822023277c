//! Words for the log at a bounded rate: whoever sends us rubbish must not fill the disk with it.

use super::stats::Reject;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// No more than one line per reason in this time.
const PAUSE: Duration = Duration::from_secs(10);

/// One reason to speak.
#[derive(Default)]
struct Line {
    last: Option<Instant>,
    suppressed: u64,
}

impl Line {
    /// How many went unsaid, if now is the time to speak.
    fn due(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

/// Says what goes wrong.
#[derive(Default)]
pub(super) struct Notice {
    rejected: [Line; Reject::COUNT],
    full: Line,
}

impl Notice {
    /// A datagram was refused.
    pub fn rejected(&mut self, why: Reject, from: SocketAddr, detail: &str, now: Instant) {
        let Some(suppressed) = self.rejected.get_mut(why as usize).and_then(|line| line.due(now)) else {
            return;
        };
        match why {
            Reject::WrongKey => tracing::error!(
                %from, suppressed,
                "gossip refused: sealed with another secret; [cluster] shared-secret must be the same on all members"
            ),
            Reject::WrongCluster => tracing::error!(
                %from, suppressed, cluster = detail,
                "gossip refused: from a member of another cluster; check [cluster] peers on both"
            ),
            Reject::TooOld => tracing::error!(
                %from, suppressed, sender = detail,
                "gossip refused: sent more than ten minutes ago by the sender's clock; set the clocks of both \
                 members right. The sender is asked again, and heard once it answers"
            ),
            Reject::Twin => tracing::error!(
                %from, suppressed, other = detail,
                "gossip refused: another member has the gossip address or the id of this one; give each its own \
                 [cluster] advertise-address, and no two the same data directory"
            ),
            Reject::OtherVersion => tracing::warn!(
                %from, suppressed, "gossip refused: from another version of the protocol"
            ),
            Reject::Malformed => tracing::warn!(%from, suppressed, "gossip refused: cannot be read"),
        }
    }

    /// There are more members than we keep in mind.
    pub fn full(&mut self, max: usize, now: Instant) {
        if let Some(suppressed) = self.full.due(now) {
            tracing::warn!(max, suppressed, "gossip knows too many members; further ones are not listed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_once_in_a_while_with_how_many_went_unsaid() {
        let mut line = Line::default();
        let start = Instant::now();
        assert_eq!(line.due(start), Some(0));
        assert_eq!(line.due(start + Duration::from_secs(1)), None);
        assert_eq!(line.due(start + Duration::from_secs(9)), None);
        assert_eq!(line.due(start + Duration::from_secs(10)), Some(2));
        assert_eq!(line.due(start + Duration::from_secs(21)), Some(0));
    }
}
