//! What makes a datagram one of ours: only who knows the secret can read or write it.
//!
//! ```text
//! magic 4 | version 1 | nonce 12 | ciphertext ... | tag 16        magic and version are authenticated
//! ```

use super::options::Error;
use super::stats::Reject;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};

/// Largest datagram: what every ordinary network carries in one piece.
pub(super) const DATAGRAM_BYTES_MAX: usize = 1400;
/// What sealing adds.
pub(super) const SEAL_BYTES: usize = HEAD + NONCE_LEN + TAG;

const MAGIC: &[u8; 4] = b"FRDg";
/// Grows when older members cannot read what is inside.
const VERSION: u8 = 1;
const HEAD: usize = MAGIC.len() + 1;
const TAG: usize = 16;

/// Seals and opens datagrams.
pub(super) struct Seal {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Seal {
    /// Derives the key from the secret, so that the same secret can serve other purposes too.
    pub fn new(secret: &str) -> Result<Self, Error> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"farad");
        let material = salt.extract(secret.as_bytes());
        let key = material
            .expand(&[b"gossip v1 chacha20-poly1305"], &CHACHA20_POLY1305)
            .map(UnboundKey::from)
            .map_err(|_| Error::NoSecret)?;
        Ok(Self { key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// Makes a datagram; none when it would be too long, or the system has no random numbers.
    pub fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        if plain.len() + SEAL_BYTES > DATAGRAM_BYTES_MAX {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut datagram = Vec::with_capacity(plain.len() + SEAL_BYTES);
        datagram.extend_from_slice(MAGIC);
        datagram.push(VERSION);
        datagram.extend_from_slice(&nonce);
        datagram.extend_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(head()),
                datagram.get_mut(HEAD + NONCE_LEN..)?,
            )
            .ok()?;
        datagram.extend_from_slice(tag.as_ref());
        Some(datagram)
    }

    /// Reads a datagram; it is decrypted where it lies.
    pub fn open<'a>(&self, datagram: &'a mut [u8]) -> Result<&'a [u8], Reject> {
        if datagram.len() < SEAL_BYTES || datagram.len() > DATAGRAM_BYTES_MAX {
            return Err(Reject::Malformed);
        }
        let (front, body) = datagram.split_at_mut(HEAD + NONCE_LEN);
        if !front.starts_with(MAGIC) {
            return Err(Reject::Malformed);
        }
        if front[MAGIC.len()] != VERSION {
            return Err(Reject::OtherVersion);
        }
        let nonce = Nonce::try_assume_unique_for_key(&front[HEAD..]).map_err(|_| Reject::Malformed)?;
        self.key
            .open_in_place(nonce, Aad::from(head()), body)
            .map(|plain| &*plain)
            .map_err(|_| Reject::WrongKey)
    }
}

fn head() -> [u8; HEAD] {
    let mut head = [VERSION; HEAD];
    head[..MAGIC.len()].copy_from_slice(MAGIC);
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_same_secret_opens() {
        let seal = Seal::new("secret").unwrap();
        let datagram = seal.seal(b"hello").unwrap();
        assert_eq!(seal.open(&mut datagram.clone()), Ok(&b"hello"[..]));
        let other = Seal::new("Secret").unwrap();
        assert_eq!(other.open(&mut datagram.clone()), Err(Reject::WrongKey));
        let mut newer = datagram;
        newer[4] = 2;
        assert_eq!(seal.open(&mut newer), Err(Reject::OtherVersion));
    }

    #[test]
    fn a_datagram_has_a_largest_size() {
        let seal = Seal::new("secret").unwrap();
        let largest = seal.seal(&[7; DATAGRAM_BYTES_MAX - SEAL_BYTES]).unwrap();
        assert_eq!(largest.len(), DATAGRAM_BYTES_MAX);
        assert!(seal.seal(&[7; DATAGRAM_BYTES_MAX - SEAL_BYTES + 1]).is_none());
        assert_eq!(seal.open(&mut [b'F'; DATAGRAM_BYTES_MAX + 1]), Err(Reject::Malformed));
    }

    proptest! {
        #[test]
        fn whatever_is_changed_does_not_open(at in 0usize..48, bit in 0u8..8, plain in prop::collection::vec(any::<u8>(), 15..60)) {
            let seal = Seal::new("secret").unwrap();
            let mut datagram = seal.seal(&plain).unwrap();
            datagram[at] ^= 1 << bit;
            prop_assert!(seal.open(&mut datagram).is_err());
        }

        #[test]
        fn noise_does_not_open(mut noise in prop::collection::vec(any::<u8>(), 0..1500)) {
            let seal = Seal::new("secret").unwrap();
            prop_assert!(seal.open(&mut noise).is_err());
        }
    }
}
