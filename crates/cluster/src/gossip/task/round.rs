//! What is done once in a while, and whenever somebody new shows up: greetings.

use super::{Body, Identity, Instant, MEMBERS_MAX, Task, unix_ms};

impl Task {
    /// What is done once in a while.
    pub(super) fn round(&mut self, now: Instant) {
        self.side.tick(now);
        self.greeter.round(now);
        for peer in self.peers.clone() {
            self.greet_peer(&peer, now);
        }
        let wall = unix_ms();
        let down: Vec<String> = self
            .table
            .down(self.side.own())
            .filter(|(_, since)| self.greeter.greets_down(wall.saturating_sub(*since)))
            .map(|(address, _)| address.to_owned())
            .collect();
        for address in down {
            self.greet(&address, now);
        }
        self.introduce(now);
        for id in self.table.forgotten().collect::<Vec<_>>() {
            self.swim.remove(id, now);
        }
        // Others may know a newer generation of this very member: from before its clock went back.
        let newest = self.swim.newest(&self.about.gossip);
        self.swim.outgrow(newest, now);
        self.swim.reconnect(now);
    }

    /// Greets all addresses of a peer at which nobody has answered lately.
    pub(super) fn greet_peer(&mut self, peer: &str, now: Instant) {
        let addresses = self.names.find(peer, now).to_vec();
        for at in addresses {
            if self.greeter.greets(at, now) {
                let hello = self.hello(now);
                self.send_at(at, hello);
            }
        }
    }

    /// Greets a member whose address is known.
    pub(super) fn greet(&mut self, address: &str, now: Instant) {
        let hello = self.hello(now);
        self.send_to(address, hello, now);
    }

    /// Asks for the cards of those of whom foca knows and we know nothing more, or only what they said
    /// in an earlier generation. A member that cannot be reached from here may be known to others.
    pub(super) fn introduce(&mut self, now: Instant) {
        let pause = self.timing.hello;
        self.introduced.retain(|_, at| now.saturating_duration_since(*at) < pause);
        let strangers: Vec<Identity> = self
            .swim
            .active()
            .filter(|identity| {
                self.table.card(identity.id).is_none_or(|card| card.generation < identity.generation)
            })
            .filter(|identity| !self.introduced.contains_key(&identity.id))
            .take(MEMBERS_MAX)
            .cloned()
            .collect();
        for stranger in strangers {
            self.introduced.insert(stranger.id, now);
            self.greet(&stranger.address, now);
            if self.table.is_forgotten(stranger.id) {
                // It has to say itself that it is another process than the one that was forgotten.
                continue;
            }
            let others: Vec<String> = self
                .swim
                .active()
                .filter(|other| other.id != stranger.id)
                .map(|other| other.address.clone())
                .take(2)
                .collect();
            for other in others {
                self.send_to(&other, Body::Ask { id: stranger.id }, now);
            }
        }
    }

    pub(super) fn hello(&mut self, now: Instant) -> Body<'static> {
        Body::Hello { card: self.card(), challenge: self.freshness.challenge(now) }
    }
}
