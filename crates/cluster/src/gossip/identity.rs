//! How foca tells members apart. It is repeated several times in each datagram, so it is small; all
//! else a member says of itself is in its card (see `packet`).

use crate::carrier::MemberId;
use serde::{Deserialize, Deserializer, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest address taken from a datagram, in bytes.
const ADDRESS_BYTES_MAX: usize = 263;

/// A member as foca knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Host and port as advertised. Never an IP address found for it: a container that comes back
    /// with another one is the same member.
    #[serde(deserialize_with = "bounded")]
    pub address: String,
    /// The member that lives there.
    pub id: MemberId,
    /// Grows with each start, and each time the member was declared down and is not.
    pub generation: u64,
}

fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text: &str = Deserialize::deserialize(deserializer)?;
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(serde::de::Error::custom("address too long"));
    }
    Ok(text.to_owned())
}

impl Identity {
    /// The same member after a generation that others know of.
    pub fn after(&self, generation: u64) -> Self {
        let next = self.generation.max(generation).saturating_add(1);
        Self { generation: next.max(unix_ms().unsigned_abs()), ..self.clone() }
    }
}

impl foca::Identity for Identity {
    type Addr = String;

    fn renew(&self) -> Option<Self> {
        Some(self.after(0))
    }

    fn addr(&self) -> String {
        self.address.clone()
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        (self.generation, self.id) > (adversary.generation, adversary.id)
    }
}

/// The clock on the wall, in Unix milliseconds; 0 before 1970.
pub(super) fn unix_ms() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use foca::Identity as _;

    #[test]
    fn a_renewed_identity_wins_even_when_the_clock_went_back() {
        let future = Identity { address: "a:1".to_owned(), id: 1, generation: u64::MAX / 2 };
        let renewed = future.renew().unwrap();
        assert!(renewed.win_addr_conflict(&future));
        assert!(!future.win_addr_conflict(&renewed));
        assert_eq!(renewed.addr(), future.addr());
        assert_eq!(future.after(u64::MAX).generation, u64::MAX);
    }

    #[test]
    fn an_address_that_is_too_long_is_not_read() {
        let long = Identity { address: "a".repeat(264), id: 1, generation: 1 };
        let bytes = postcard::to_allocvec(&long).unwrap();
        assert!(postcard::from_bytes::<Identity>(&bytes).is_err());
    }
}
