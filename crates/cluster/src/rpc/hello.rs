//! What the handshake's messages look like, and the proofs in them.
//!
//! Each is a head of ten bytes and a payload: `FARAD`, version (two bytes, big endian), code (one
//! byte), length of the payload (two bytes, big endian). The head and [`Refusal`] are the same in
//! all versions to come, so that members of different versions can tell each other so.

use crate::MemberId;
use ring::hmac;
use serde::{Deserialize, Serialize};

/// Version of the protocol between members. Both must speak the same.
pub const VERSION: u16 = 1;

/// Bytes of a head.
pub const HEAD: usize = 10;

/// Largest payload, in bytes.
pub const PAYLOAD_MAX: usize = 1024;

/// Longest name of a member, in bytes, as DNS has it.
pub const NAME_MAX: usize = 255;

const MAGIC: &[u8; 5] = b"FARAD";

/// Bytes of a challenge and of a proof.
pub const PROOF: usize = 32;

/// Kinds of message in the handshake, in the order in which they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Who dials introduces itself.
    Hello = 0,
    /// The other side sends a challenge.
    Challenge = 1,
    /// Who dials proves that it knows the secret.
    Proof = 2,
    /// The other side does, too.
    Welcome = 3,
    /// The other side does not want to, at any time.
    Refusal = 4,
}

/// Who dials.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Its number.
    pub from: MemberId,
    /// Whom it wants to talk to; none if it knows an address only.
    pub to: Option<MemberId>,
    /// Its name.
    pub name: String,
    /// Whether it has a shared secret.
    pub secret: bool,
    /// Its part of the challenge.
    pub nonce: [u8; PROOF],
}

/// The other side's answer to a good proof.
#[derive(Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// Its number.
    pub me: MemberId,
    /// Its proof; zeros without a secret.
    pub proof: [u8; PROOF],
}

/// Why a connection is refused. Numbers are part of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The secret is missing or another one.
    Secret = 1,
    /// The certificate is missing, or not for this member.
    Certificate = 2,
    /// Another version of the protocol.
    Version = 3,
    /// Another member lives here.
    Target = 4,
    /// Not understood, too slow, or too many at once.
    Other = 5,
}

/// A refusal, from either side.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub text: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(reason: Reason, text: impl Into<String>) -> Refusal {
        Refusal { reason, text: text.into() }
    }

    /// As it is sent: the reason's number and the text.
    pub fn encode(&self) -> Vec<u8> {
        let mut end = self.text.len().min(PAYLOAD_MAX - 1);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let mut payload = vec![self.reason as u8];
        payload.extend_from_slice(&self.text.as_bytes()[..end]);
        message(Code::Refusal, &payload)
    }

    /// From a payload, whatever it holds.
    pub fn decode(payload: &[u8]) -> Refusal {
        let (number, text) = payload.split_first().unwrap_or((&0, b"no reason given"));
        let all = [Reason::Secret, Reason::Certificate, Reason::Version, Reason::Target];
        let reason = all.into_iter().find(|reason| *reason as u8 == *number).unwrap_or(Reason::Other);
        Refusal { reason, text: String::from_utf8_lossy(text).into_owned() }
    }
}

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Version that the sender speaks.
    pub version: u16,
    /// Number of the message's kind.
    pub code: u8,
    /// Bytes that follow, at most [`PAYLOAD_MAX`].
    pub length: usize,
}

impl Head {
    /// Reads a head; none if it is not one of ours.
    pub fn decode(head: [u8; HEAD]) -> Option<Head> {
        let [m0, m1, m2, m3, m4, v0, v1, code, l0, l1] = head;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if [m0, m1, m2, m3, m4] != *MAGIC || length > PAYLOAD_MAX {
            return None;
        }
        Some(Head { version: u16::from_be_bytes([v0, v1]), code, length })
    }
}

/// A message of the given kind. The payload is at most [`PAYLOAD_MAX`] bytes.
pub fn message(code: Code, payload: &[u8]) -> Vec<u8> {
    debug_assert!(payload.len() <= PAYLOAD_MAX);
    let mut message = Vec::with_capacity(HEAD + payload.len());
    message.extend_from_slice(MAGIC);
    message.extend_from_slice(&VERSION.to_be_bytes());
    message.push(code as u8);
    message.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    message.extend_from_slice(payload);
    message
}

/// Who proves something. One side's proof must not do as the other's.
#[derive(Clone, Copy)]
pub enum Side {
    /// Who dials.
    Dialer,
    /// Who was dialed, with its number.
    Dialed(MemberId),
}

/// The proof that a side knows the secret, for one connection: over both messages before it, which
/// hold both sides' random numbers, who speaks and to whom.
pub fn prove(key: &hmac::Key, side: Side, hello: &[u8], challenge: &[u8]) -> [u8; PROOF] {
    let mut proof = [0; PROOF];
    let tag = hmac::sign(key, &proved(side, hello, challenge));
    for (to, from) in proof.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    proof
}

/// Whether a proof is right, in constant time.
pub fn is_proof(key: &hmac::Key, side: Side, hello: &[u8], challenge: &[u8], proof: &[u8]) -> bool {
    hmac::verify(key, &proved(side, hello, challenge), proof).is_ok()
}

fn proved(side: Side, hello: &[u8], challenge: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(64 + hello.len() + challenge.len());
    match side {
        Side::Dialer => data.extend_from_slice(b"farad peer, dialer\0"),
        Side::Dialed(me) => {
            data.extend_from_slice(b"farad peer, dialed\0");
            data.extend_from_slice(&me.to_be_bytes());
        }
    }
    for part in [hello, challenge] {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_proof_is_for_one_side_one_challenge_and_one_secret() {
        let (key, other) = (hmac::Key::new(hmac::HMAC_SHA256, b"a"), hmac::Key::new(hmac::HMAC_SHA256, b"b"));
        let proof = prove(&key, Side::Dialer, b"hello", b"challenge");
        assert!(is_proof(&key, Side::Dialer, b"hello", b"challenge", &proof));
        assert!(!is_proof(&other, Side::Dialer, b"hello", b"challenge", &proof));
        assert!(!is_proof(&key, Side::Dialed(1), b"hello", b"challenge", &proof));
        assert!(!is_proof(&key, Side::Dialer, b"hell", b"ochallenge", &proof));
        assert!(!is_proof(&key, Side::Dialer, b"hello", b"another", &proof));
        assert!(!is_proof(&key, Side::Dialer, b"hello", b"challenge", &proof[1..]));
        let welcome = prove(&key, Side::Dialed(1), b"hello", b"challenge");
        assert!(!is_proof(&key, Side::Dialed(2), b"hello", b"challenge", &welcome));
    }

    proptest! {
        #[test]
        fn refusals_come_through(text in ".{0,2000}") {
            let sent = Refusal::new(Reason::Version, text.clone()).encode();
            let (head, payload) = sent.split_at(HEAD);
            let head = Head::decode(head.try_into().unwrap()).unwrap();
            prop_assert_eq!(head, Head { version: VERSION, code: Code::Refusal as u8, length: payload.len() });
            let refusal = Refusal::decode(payload);
            prop_assert_eq!(refusal.reason, Reason::Version);
            prop_assert!(text.starts_with(&refusal.text));
            prop_assert!(refusal.text.len() == text.len() || refusal.text.len() > PAYLOAD_MAX - 6);
        }

        #[test]
        fn anything_may_be_read_as_a_refusal(payload in prop::collection::vec(any::<u8>(), 0..100)) {
            Refusal::decode(&payload);
        }
    }
}
