//! What a datagram goes through, from the socket to those it concerns.

use super::super::address::Target;
use super::{Body, Card, Envelope, Identity, Instant, Learned, MemberId, Reject, SocketAddr, Task, unix_ms};

/// Who has spoken.
struct Speaker {
    id: MemberId,
    /// As advertised.
    address: String,
    /// As the socket says.
    at: SocketAddr,
}

impl Task {
    /// Opens, checks and works off one datagram.
    pub(super) fn receive(&mut self, datagram: &mut [u8], at: SocketAddr, now: Instant) {
        let opened = self.seal.open(datagram);
        let envelope = match opened.map(Envelope::decode) {
            Ok(Some(envelope)) => envelope,
            Ok(None) => return self.reject(Reject::Malformed, at, "", now),
            Err(why) => return self.reject(why, at, "", now),
        };
        if envelope.address == self.about.gossip || envelope.id == self.about.id {
            return self.own_voice(&envelope, at, now);
        }
        if !self.side.hears(envelope.cluster) {
            let cluster = envelope.cluster.to_owned();
            return self.reject(Reject::WrongCluster, at, &cluster, now);
        }
        if !self.is_fresh(&envelope) {
            return self.too_old(&envelope, at, now);
        }
        let speaker = Speaker { id: envelope.id, address: envelope.address.to_owned(), at };
        self.names.heard(&speaker.address, at);
        if envelope.belongs {
            self.side.spoken(envelope.cluster, now);
            if self.table.belongs(envelope.id, envelope.cluster) == Learned::News {
                self.dirty = true;
            }
        }
        self.hear(&speaker, envelope.body, now);
    }

    /// A greeting that came back to its sender, or another member that goes by our address or number.
    fn own_voice(&mut self, envelope: &Envelope<'_>, at: SocketAddr, now: Instant) {
        if envelope.address == self.about.gossip && envelope.id == self.about.id {
            self.greeter.answered(at, now);
        } else {
            let other = format!("{} at {}", envelope.id, envelope.address);
            self.reject(Reject::Twin, at, &other, now);
        }
    }

    fn is_fresh(&mut self, envelope: &Envelope<'_>) -> bool {
        let (id, sent, wall) = (envelope.id, envelope.sent, unix_ms());
        match envelope.body {
            Body::Answer { challenge, .. } if self.freshness.is_answer(id, sent, wall, challenge) => true,
            _ => self.freshness.is_fresh(id, sent, wall),
        }
    }

    /// Refuses, and asks the sender for a sign of life that does not depend on its clock.
    fn too_old(&mut self, envelope: &Envelope<'_>, at: SocketAddr, now: Instant) {
        let (id, sender) = (envelope.id, envelope.address.to_owned());
        self.reject(Reject::TooOld, at, &sender, now);
        if self.freshness.may_ask(id, now) {
            let hello = self.hello(now);
            self.send_at(at, hello);
        }
    }

    fn hear(&mut self, speaker: &Speaker, body: Body<'_>, now: Instant) {
        match body {
            Body::Swim(data) => {
                if self.swim.data(data, now).is_err() {
                    self.reject(Reject::Malformed, speaker.at, "", now);
                }
            }
            Body::Hello { card, challenge } => {
                if self.meet(speaker, card, now) {
                    let newest = self.swim.newest(&speaker.address);
                    self.send_at(speaker.at, Body::Answer { card: self.card(), challenge, newest });
                }
            }
            Body::Answer { card, newest, .. } => {
                self.greeter.answered(speaker.at, now);
                self.swim.outgrow(newest, now);
                self.meet(speaker, card, now);
            }
            Body::Ask { id } => {
                if let Some(card) = self.table.card(id).cloned() {
                    self.send_at(speaker.at, Body::Tell { card });
                }
            }
            Body::Tell { card } => {
                if card.about.id != self.about.id {
                    let direct = card.about.id == speaker.id;
                    self.learn(card, direct, now);
                }
            }
            Body::Bye { generation } => {
                let identity = Identity { address: speaker.address.clone(), id: speaker.id, generation };
                let current = self.swim.is_active(&identity);
                self.swim.down(identity, now);
                if current {
                    self.table.left(speaker.id);
                }
            }
        }
    }

    /// Takes the card of one who is there, and has foca get to know it. Returns whether the card is the
    /// speaker's own.
    fn meet(&mut self, speaker: &Speaker, card: Card, now: Instant) -> bool {
        let own = card.about.id == speaker.id && card.about.gossip == speaker.address;
        if !own || Target::parse("peers", &speaker.address, 0).is_err() {
            self.counters().reject(Reject::Malformed);
            return false;
        }
        let identity =
            Identity { address: speaker.address.clone(), id: speaker.id, generation: card.generation };
        self.learn(card, true, now);
        if !self.swim.is_active(&identity) {
            self.swim.announce(identity, now);
        }
        true
    }
}
