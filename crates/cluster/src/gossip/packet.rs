//! What is inside a datagram: an envelope that says who sends it, when, and for which cluster, and
//! one of six bodies. The layout changes only together with the version in the seal; bodies may be
//! added, and members that do not know one refuse it and nothing else.

use super::options::About;
use super::seal::{DATAGRAM_BYTES_MAX, SEAL_BYTES};
use crate::carrier::MemberId;
use serde::{Deserialize, Serialize};

/// Longest id of a cluster, in bytes.
pub(super) const CLUSTER_BYTES_MAX: usize = 64;

/// How many bytes foca has in one datagram. The same for all, whatever their names: foca refuses what
/// is longer than it would send itself.
pub(super) const SWIM_BYTES_MAX: usize = 1000;

/// The outer part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Envelope<'a> {
    /// Cluster on whose side the sender is, empty if on nobody's.
    pub cluster: &'a str,
    /// Whether the sender belongs to that cluster, or only keeps company with it.
    pub belongs: bool,
    /// When it was sent by the sender's clock, in Unix milliseconds.
    pub sent: i64,
    /// Advertised address of the sender.
    pub address: &'a str,
    /// The sender.
    pub id: MemberId,
    /// What it says.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Body<'a> {
    /// Foca's own.
    Swim(&'a [u8]),
    /// Who are you? Needed where only an address is known, and not who lives there.
    Hello {
        /// Of the sender.
        card: Card,
        /// Any number. Who sends it back has read this very datagram.
        challenge: u64,
    },
    /// The answer to a hello.
    Answer {
        /// Of the sender.
        card: Card,
        /// The number of the hello.
        challenge: u64,
        /// Newest generation the sender knows of whoever said hello. It is larger than the real one
        /// when a clock went back between two starts.
        newest: u64,
    },
    /// Do you know this member? Asked of others where it cannot be asked itself.
    Ask {
        /// The member.
        id: MemberId,
    },
    /// What is known of a member, maybe of the sender.
    Tell {
        /// Of that member.
        card: Card,
    },
    /// The sender leaves.
    Bye {
        /// Its generation.
        generation: u64,
    },
}

/// All there is to know of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Card {
    /// Generation of its identity (see `identity`).
    pub generation: u64,
    /// Its cluster, empty if it has none.
    pub cluster: String,
    /// What it says of itself.
    pub about: About,
}

impl Envelope<'_> {
    pub fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// Reads what was sealed; none when it is not one of ours or a text in it is too long.
    pub fn decode(plain: &[u8]) -> Option<Envelope<'_>> {
        let (envelope, _newer): (Envelope<'_>, _) = postcard::take_from_bytes(plain).ok()?;
        let bounded =
            envelope.cluster.len() <= CLUSTER_BYTES_MAX && envelope.body.card().is_none_or(Card::is_bounded);
        bounded.then_some(envelope)
    }
}

impl Body<'_> {
    fn card(&self) -> Option<&Card> {
        match self {
            Body::Hello { card, .. } | Body::Answer { card, .. } | Body::Tell { card } => Some(card),
            Body::Swim(_) | Body::Ask { .. } | Body::Bye { .. } => None,
        }
    }
}

impl Card {
    fn is_bounded(&self) -> bool {
        self.cluster.len() <= CLUSTER_BYTES_MAX && self.about.is_bounded()
    }
}

/// Whether what a member says of itself fits into a datagram, whatever its cluster is called.
pub(super) fn card_fits(about: &About) -> bool {
    let card = Card { generation: u64::MAX, cluster: "c".repeat(CLUSTER_BYTES_MAX), about: about.clone() };
    let body = Body::Answer { card, challenge: u64::MAX, newest: u64::MAX };
    let longest = "c".repeat(CLUSTER_BYTES_MAX);
    let address = &about.gossip;
    let envelope = Envelope { cluster: &longest, belongs: true, sent: i64::MIN, address, id: u64::MAX, body };
    envelope.encode().is_some_and(|bytes| bytes.len() + SEAL_BYTES <= DATAGRAM_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn card() -> Card {
        let about = About { id: 7, name: "kapacitor-1".to_owned(), started: -3, ..About::default() };
        Card { generation: 9, cluster: "c1".to_owned(), about }
    }

    fn bodies() -> Vec<Body<'static>> {
        vec![
            Body::Swim(b"swim"),
            Body::Hello { card: card(), challenge: 5 },
            Body::Answer { card: card(), challenge: 5, newest: 9 },
            Body::Ask { id: 3 },
            Body::Tell { card: card() },
            Body::Bye { generation: 1 },
        ]
    }

    fn envelope(body: Body<'_>) -> Envelope<'_> {
        Envelope { cluster: "c1", belongs: true, sent: 1_700_000_000_000, address: "a:1", id: 2, body }
    }

    #[test]
    fn what_is_written_is_read_and_what_follows_is_skipped() {
        for body in bodies() {
            let wanted = envelope(body);
            let mut bytes = wanted.encode().unwrap();
            bytes.extend_from_slice(b"and more");
            assert_eq!(Envelope::decode(&bytes), Some(wanted));
        }
    }

    #[test]
    fn texts_have_a_largest_length() {
        let mut long = card();
        long.cluster = "c".repeat(65);
        let bytes = envelope(Body::Tell { card: long }).encode().unwrap();
        assert_eq!(Envelope::decode(&bytes), None);
        let mut long = card();
        long.about.api = "a".repeat(300);
        let bytes = envelope(Body::Tell { card: long }).encode().unwrap();
        assert_eq!(Envelope::decode(&bytes), None);
    }

    #[test]
    fn what_foca_sends_fits_into_any_envelope() {
        let (cluster, address) = ("c".repeat(CLUSTER_BYTES_MAX), "a".repeat(263));
        let body = Body::Swim(&[0; SWIM_BYTES_MAX]);
        let longest = Envelope {
            cluster: &cluster,
            belongs: true,
            sent: i64::MIN,
            address: &address,
            id: u64::MAX,
            body,
        };
        assert!(longest.encode().unwrap().len() + SEAL_BYTES <= DATAGRAM_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _any = Envelope::decode(&bytes);
        }

        #[test]
        fn changed_bytes_are_read_without_a_panic(which in 0usize..6, at in 0usize..200, to: u8, cut in 0usize..200) {
            let body = bodies().swap_remove(which);
            let mut bytes = envelope(body).encode().unwrap();
            let length = bytes.len();
            bytes[at % length] = to;
            bytes.truncate(length - cut % length);
            let _any = Envelope::decode(&bytes);
        }
    }
}
