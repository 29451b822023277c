//! Drives foca: gives it datagrams and timers, and collects what it wants done. No socket, no clock.

use super::identity::Identity;
use super::options::Timing;
use super::packet::SWIM_BYTES_MAX;
use foca::{
    AccumulatingRuntime, Config, Foca, Member, NoCustomBroadcast, OwnedNotification, PeriodicParams,
    PostcardCodec, State, Timer,
};
use rand::rngs::StdRng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;
use tokio::time::Instant;

/// How long foca keeps in mind who is down. Those it forgets are still greeted.
const REMOVE_DOWN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Foca and all around it.
pub(super) struct Swim {
    foca: Foca<Identity, PostcardCodec, StdRng, NoCustomBroadcast>,
    runtime: AccumulatingRuntime<Identity>,
    timers: BinaryHeap<Reverse<Due>>,
    scheduled: u64,
    /// Foca probes and spreads news only while it is connected.
    connected: bool,
    outcome: Outcome,
}

/// What happened since it was last taken.
#[derive(Default)]
pub(super) struct Outcome {
    /// Foca's datagrams, and for whom.
    pub sends: VecDeque<(Identity, bytes::Bytes)>,
    /// Addresses of members whose probe failed.
    pub suspected: Vec<String>,
    /// Who is alive may have changed.
    pub changed: bool,
    /// How often this member had to come back under a new generation.
    pub rejoins: u64,
}

/// A datagram foca cannot read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A timer, ordered by when it is due. Foca must get them in order: a probe's second stage before
/// its end, however late both are.
#[derive(PartialEq, Eq)]
struct Due {
    at: Instant,
    timer: Timer<Identity>,
    number: u64,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at
            .cmp(&other.at)
            .then_with(|| self.timer.cmp(&other.timer))
            .then_with(|| self.number.cmp(&other.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn config(timing: &Timing) -> Config {
    let params = |frequency, members| {
        NonZeroUsize::new(members).map(|num_members| PeriodicParams { frequency, num_members })
    };
    Config {
        probe_period: timing.probe_period,
        probe_rtt: timing.probe_rtt,
        num_indirect_probes: NonZeroUsize::MIN.saturating_add(2),
        max_transmissions: NonZeroU8::MIN.saturating_add(9),
        suspect_to_down_after: timing.suspicion,
        remove_down_after: Some(REMOVE_DOWN_AFTER),
        max_packet_size: NonZeroUsize::MIN.saturating_add(SWIM_BYTES_MAX - 1),
        notify_down_members: true,
        periodic_announce: params(timing.hello_again, 1),
        periodic_announce_to_down_members: params(timing.hello.saturating_mul(5), 2),
        periodic_gossip: params(timing.spread, 3),
    }
}

impl Swim {
    pub fn new(own: Identity, timing: &Timing) -> Self {
        Self {
            foca: Foca::new(own, config(timing), rand::make_rng(), PostcardCodec),
            runtime: AccumulatingRuntime::new(),
            timers: BinaryHeap::new(),
            scheduled: 0,
            connected: false,
            outcome: Outcome::default(),
        }
    }

    /// This member as foca knows it; the generation may have grown.
    pub fn own(&self) -> &Identity {
        self.foca.identity()
    }

    /// Takes what foca wants done.
    pub fn take(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    /// A datagram of another member's foca has come.
    pub fn data(&mut self, data: &[u8], now: Instant) -> Result<(), Malformed> {
        let result = self.foca.handle_data(data, &mut self.runtime);
        self.drain(now);
        match result {
            Err(foca::Error::Decode(_) | foca::Error::MalformedPacket | foca::Error::DataTooBig) => {
                Err(Malformed)
            }
            Err(foca::Error::CustomBroadcast(_)) => Err(Malformed),
            other => {
                note(other);
                Ok(())
            }
        }
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse(due)| due.at)
    }

    /// Fires all timers that are due.
    pub fn fire(&mut self, now: Instant) {
        while let Some(Reverse(due)) = self.timers.pop() {
            if due.at > now {
                self.timers.push(Reverse(due));
                return;
            }
            note(self.foca.handle_timer(due.timer, &mut self.runtime));
            self.drain(now);
        }
    }

    /// Asks a member to take this one in.
    pub fn announce(&mut self, to: Identity, now: Instant) {
        note(self.foca.announce(to, &mut self.runtime));
        self.drain(now);
    }

    /// Asks all who are alive, while foca is cut off although there are some: it has just changed its
    /// own identity, and its word of that was lost.
    pub fn reconnect(&mut self, now: Instant) {
        if self.connected {
            return;
        }
        let active: Vec<Identity> = self.active().cloned().collect();
        for identity in active {
            self.announce(identity, now);
        }
    }

    /// A member has said that it leaves.
    pub fn down(&mut self, identity: Identity, now: Instant) {
        // Foca would have this member renew itself if it were about us: that is for its own messages.
        if identity.address != self.own().address {
            note(self.foca.apply_many(std::iter::once(Member::down(identity)), true, &mut self.runtime));
            self.drain(now);
        }
    }

    /// Forgets a member if it is down.
    pub fn remove(&mut self, id: crate::MemberId, now: Instant) {
        let down: Vec<Identity> = self
            .foca
            .iter_membership_state()
            .filter(|member| member.state() == State::Down && member.id().id == id)
            .map(|member| member.id().clone())
            .collect();
        for identity in down {
            note(self.foca.handle_timer(Timer::RemoveDown(identity), &mut self.runtime));
            self.drain(now);
        }
    }

    /// Takes a generation after the given one, which others know of this member.
    pub fn outgrow(&mut self, generation: u64, now: Instant) {
        // No clock shows anything near the largest number; a member that took it could never renew itself.
        if generation <= self.own().generation || generation > u64::MAX / 2 {
            return;
        }
        let next = self.own().after(generation);
        note(self.foca.change_identity(next, &mut self.runtime));
        self.drain(now);
        self.connected = false;
        self.outcome.rejoins += 1;
        self.reconnect(now);
    }

    /// Tells some of the others that this member leaves. It is of no use after that.
    pub fn leave(&mut self, now: Instant) {
        note(self.foca.leave_cluster(&mut self.runtime));
        self.drain(now);
    }

    /// Those who are alive.
    pub fn active(&self) -> impl Iterator<Item = &Identity> {
        let own = &self.own().address;
        self.foca.iter_members().map(Member::id).filter(move |identity| identity.address != *own)
    }

    /// Whether a member is alive in this very generation.
    pub fn is_active(&self, identity: &Identity) -> bool {
        self.active().any(|active| active == identity)
    }

    /// Newest generation known at an address; 0 if none.
    pub fn newest(&self, address: &str) -> u64 {
        self.foca
            .iter_membership_state()
            .map(Member::id)
            .filter(|identity| identity.address == address)
            .map(|identity| identity.generation)
            .max()
            .unwrap_or(0)
    }

    /// Foca's wishes must be taken from it after each call.
    fn drain(&mut self, now: Instant) {
        while let Some((to, data)) = self.runtime.to_send() {
            self.outcome.sends.push_back((to, data));
        }
        while let Some((after, timer)) = self.runtime.to_schedule() {
            if let Timer::ChangeSuspectToDown { member_id, .. } = &timer {
                self.outcome.suspected.push(member_id.address.clone());
            }
            self.scheduled += 1;
            self.timers.push(Reverse(Due { at: now + after, timer, number: self.scheduled }));
        }
        while let Some(notification) = self.runtime.to_notify() {
            self.outcome.changed = true;
            match notification {
                OwnedNotification::Active => self.connected = true,
                OwnedNotification::Idle | OwnedNotification::Defunct => self.connected = false,
                OwnedNotification::Rejoin(_) => {
                    self.connected = false;
                    self.outcome.rejoins += 1;
                }
                OwnedNotification::MemberUp(_)
                | OwnedNotification::MemberDown(_)
                | OwnedNotification::Rename(..) => {}
            }
        }
    }
}

/// Foca's other errors are about its own order of things; it goes on after each of them.
fn note(result: Result<(), foca::Error>) {
    if let Err(error) = result {
        tracing::debug!(%error, "foca");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity(id: u64, generation: u64) -> Identity {
        Identity { address: format!("m{id}:1"), id, generation }
    }

    fn swim(id: u64) -> Swim {
        Swim::new(identity(id, 1), &Timing::default())
    }

    /// Carries datagrams to and fro until there are none.
    fn exchange(members: &mut [Swim], now: Instant) -> Vec<Vec<u8>> {
        let mut log = Vec::new();
        loop {
            let sends: Vec<_> = members.iter_mut().flat_map(|member| member.take().sends).collect();
            if sends.is_empty() {
                return log;
            }
            for (to, data) in sends {
                log.push(data.to_vec());
                if let Some(member) = members.iter_mut().find(|member| member.own().address == to.address) {
                    member.data(&data, now).unwrap();
                }
            }
        }
    }

    #[test]
    fn an_announce_makes_two_members_see_each_other() {
        let now = Instant::now();
        let mut members = [swim(1), swim(2)];
        members[0].announce(identity(2, 1), now);
        exchange(&mut members, now);
        assert!(members[0].is_active(&identity(2, 1)) && members[1].is_active(&identity(1, 1)));
        assert!(members[0].connected && members[1].connected);
    }

    #[test]
    fn silence_is_suspected_first_and_down_afterwards_and_a_word_brings_back() {
        let start = Instant::now();
        let mut members = [swim(1), swim(2)];
        members[0].announce(identity(2, 1), start);
        exchange(&mut members, start);

        // Member 2 is silent: the first probe ends after two periods, then it has time to object.
        let mut now = start;
        let mut suspected = 0;
        while members[0].is_active(&identity(2, 1)) {
            now = members[0].next_due().unwrap();
            members[0].fire(now);
            suspected += members[0].take().suspected.len();
            assert!(now < start + Duration::from_secs(4), "not seen down");
        }
        assert!(suspected > 0);
        assert!(now >= start + Duration::from_secs(3), "no time to object");
        assert!(!members[0].connected);

        members[1].announce(identity(1, 1), now);
        exchange(&mut members, now);
        members[1].reconnect(now);
        exchange(&mut members, now);
        assert!(members[0].active().any(|member| member.id == 2), "back under a new generation");
        assert!(members[1].own().generation > 1);
    }

    #[test]
    fn a_start_with_a_clock_that_went_back_outgrows_the_past() {
        let now = Instant::now();
        let future = u64::MAX / 2;
        let mut members = [swim(1), Swim::new(identity(2, future), &Timing::default())];
        members[0].announce(identity(2, future), now);
        exchange(&mut members, now);
        members[1] = swim(2);
        assert_eq!(members[0].newest("m2:1"), future);
        members[1].outgrow(future, now);
        let [first, second] = &mut members;
        second.announce(first.own().clone(), now);
        exchange(&mut members, now);
        assert!(members[0].is_active(&identity(2, future + 1)));
    }

    #[test]
    fn a_farewell_is_believed_and_what_is_forgotten_is_gone() {
        let now = Instant::now();
        let mut members = [swim(1), swim(2)];
        members[0].announce(identity(2, 1), now);
        exchange(&mut members, now);
        members[0].remove(2, now);
        assert_eq!(members[0].newest("m2:1"), 1, "alive: it stays");
        members[0].down(identity(2, 1), now);
        assert_eq!(members[0].active().count(), 0);
        members[0].down(identity(1, 1), now);
        assert_eq!(members[0].own().generation, 1, "a farewell in our own name is none");
        members[0].remove(2, now);
        assert_eq!(members[0].newest("m2:1"), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut swim = swim(1);
            let _any = swim.data(&noise, Instant::now());
            swim.fire(Instant::now() + Duration::from_secs(9));
        }

        #[test]
        fn no_changed_datagram_makes_it_panic(which: usize, at: usize, to: u8, cut in 0usize..80) {
            let now = Instant::now();
            let mut members = [swim(1), swim(2), swim(3)];
            members[0].announce(identity(2, 1), now);
            members[2].announce(identity(2, 1), now);
            let mut log = exchange(&mut members, now);
            let chosen = which % log.len();
            let mut data = log.swap_remove(chosen);
            let length = data.len();
            data[at % length] = to;
            data.truncate(length - cut % length);
            for member in &mut members {
                let _any = member.data(&data, now);
                for _ in 0..20 {
                    if let Some(due) = member.next_due() {
                        member.fire(due);
                    }
                }
            }
        }
    }
}
