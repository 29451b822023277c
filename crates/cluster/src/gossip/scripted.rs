//! Tests that speak to a running member as another one would, word by word: with a wrong clock, and
//! with rubbish that is properly sealed.

use super::identity::{Identity, unix_ms};
use super::packet::{Body, Card, Envelope};
use super::seal::{DATAGRAM_BYTES_MAX, Seal};
use super::{About, Gossip, Options};
use proptest::prelude::*;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

const HOUR_MS: i64 = 3_600_000;

/// A member that says what the test says.
struct Scripted {
    socket: UdpSocket,
    seal: Seal,
    address: String,
    /// How far its clock is off, in milliseconds.
    off: i64,
}

impl Scripted {
    fn new(off: i64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        Self { socket, seal: Seal::new("secret").unwrap(), address, off }
    }

    fn card(&self) -> Card {
        let about = About { id: 2, gossip: self.address.clone(), started: 5, ..About::default() };
        Card { generation: 5, cluster: String::new(), about }
    }

    fn say(&self, to: &Gossip, body: Body<'_>) {
        let (sent, address) = (unix_ms() + self.off, self.address.as_str());
        let envelope = Envelope { cluster: "", belongs: false, sent, address, id: 2, body };
        self.say_plain(to, &envelope.encode().unwrap());
    }

    fn say_plain(&self, to: &Gossip, plain: &[u8]) {
        let datagram = self.seal.seal(plain).unwrap();
        self.socket.send_to(&datagram, to.local_addr()).unwrap();
    }

    /// Waits for something the test is after.
    fn hear<T>(&self, mut pick: impl FnMut(Body<'_>) -> Option<T>) -> T {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        loop {
            let length = self.socket.recv(&mut buffer).expect("an answer");
            let plain = self.seal.open(&mut buffer[..length]).unwrap();
            if let Some(found) = pick(Envelope::decode(plain).unwrap().body) {
                return found;
            }
        }
    }
}

fn member() -> Gossip {
    let options = Options {
        bind: "127.0.0.1:0".to_owned(),
        advertise: "n1:9090".to_owned(),
        secret: "secret".to_owned(),
        ..Options::default()
    };
    Gossip::start(options, About { id: 1, ..About::default() }).unwrap()
}

fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
}

#[test]
fn a_clock_an_hour_behind_is_refused_until_it_answers() {
    let gossip = member();
    let scripted = Scripted::new(-HOUR_MS);
    scripted.say(&gossip, Body::Hello { card: scripted.card(), challenge: 1 });
    let challenge = scripted.hear(|body| match body {
        Body::Hello { challenge, .. } => Some(challenge),
        _ => None,
    });
    assert_eq!(gossip.stats().rejected_too_old, 1);
    assert!(gossip.seen().is_empty());

    // An answer to nothing is as old as anything else.
    let wrong = challenge.wrapping_add(1);
    scripted.say(&gossip, Body::Answer { card: scripted.card(), challenge: wrong, newest: 0 });
    until(|| gossip.stats().rejected_too_old == 2);
    scripted.say(&gossip, Body::Answer { card: scripted.card(), challenge, newest: 0 });
    until(|| gossip.seen().len() == 1);
    scripted.say(&gossip, Body::Hello { card: scripted.card(), challenge: 7 });
    scripted.hear(|body| matches!(body, Body::Answer { challenge: 7, .. }).then_some(()));
    assert_eq!(gossip.stats().rejected_too_old, 2);
}

#[test]
fn a_clock_an_hour_ahead_is_heard() {
    let gossip = member();
    let scripted = Scripted::new(HOUR_MS);
    scripted.say(&gossip, Body::Hello { card: scripted.card(), challenge: 7 });
    scripted.hear(|body| matches!(body, Body::Answer { challenge: 7, .. }).then_some(()));
}

#[test]
fn a_card_of_somebody_else_is_no_introduction() {
    let gossip = member();
    let scripted = Scripted::new(0);
    let mut card = scripted.card();
    card.about.id = 3;
    scripted.say(&gossip, Body::Hello { card, challenge: 1 });
    until(|| gossip.stats().rejected_malformed == 1);
    assert!(gossip.seen().is_empty());
}

/// Foca's word to member 1, as its identity stands in its answer.
fn swim(to: &Identity, message: foca::Message<Identity>) -> Vec<u8> {
    let src = Identity { address: "m2:1".to_owned(), id: 2, generation: 5 };
    postcard::to_allocvec(&foca::Header { src, src_incarnation: 0, dst: to.clone(), message }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The member must still answer after each round of rubbish.
    #[test]
    fn sealed_rubbish_does_no_harm(
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8),
        at: usize,
        to: u8,
    ) {
        let gossip = member();
        let scripted = Scripted::new(0);
        scripted.say(&gossip, Body::Hello { card: scripted.card(), challenge: 7 });
        let own = scripted.hear(|body| match body {
            Body::Answer { card, challenge: 7, .. } => Some(card),
            _ => None,
        });
        let own = Identity { address: own.about.gossip, id: 1, generation: own.generation };
        for bytes in &noise {
            scripted.say_plain(&gossip, bytes);
            scripted.say(&gossip, Body::Swim(bytes));
            let mut word = swim(&own, foca::Message::Gossip);
            word.extend_from_slice(bytes);
            scripted.say(&gossip, Body::Swim(&word));
            let length = word.len();
            word[at % length] = to;
            scripted.say(&gossip, Body::Swim(&word));
        }
        scripted.say(&gossip, Body::Hello { card: scripted.card(), challenge: 8 });
        scripted.hear(|body| matches!(body, Body::Answer { challenge: 8, .. }).then_some(()));
        prop_assert!(gossip.is_running());
    }
}
