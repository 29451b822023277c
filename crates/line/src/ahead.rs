//! Looking ahead: the keys of the next lines, hashed before their turn comes.
//!
//! With more series than the caches hold, finding one waits three times for memory. A look ahead
//! asks for all that the next lines need at once. It is a hint: newlines are searched without a
//! regard for quotes, and who takes a key from here compares it in full.

use crate::index::key_len;

/// Lines looked at together.
const LINES: usize = 16;

/// Keys found ahead, in the order in which they stand in the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ahead {
    keys: [Key; LINES],
    next: usize,
    count: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Key {
    /// Address of the line; compared, never followed.
    address: usize,
    len: u32,
    hash: u32,
}

impl Ahead {
    /// Forgets what was found: another buffer may stand at the same addresses.
    pub(crate) fn forget(&mut self) {
        self.count = 0;
        self.next = 0;
    }

    /// Length and hash of the key at the beginning of `rest`, when a look has found it.
    #[inline]
    pub(crate) fn take(&mut self, rest: &[u8]) -> Option<(usize, u32)> {
        let address = rest.as_ptr() as usize;
        while let Some(key) = self.keys[..self.count].get(self.next) {
            if key.address > address {
                return None;
            }
            self.next += 1;
            if key.address == address {
                return Some((key.len as usize, key.hash));
            }
        }
        None
    }

    /// Finds the keys of the lines that `rest` begins with.
    pub(crate) fn look(&mut self, rest: &[u8], hash: impl Fn(&[u8]) -> u32) {
        self.forget();
        let mut rest = rest;
        for _ in 0..LINES {
            let len = key_len(rest);
            if let Some(len) = len
                && let Ok(short) = u32::try_from(len)
            {
                let address = rest.as_ptr() as usize;
                self.keys[self.count] = Key { address, len: short, hash: hash(&rest[..len]) };
                self.count += 1;
            }
            let from = len.unwrap_or(0);
            match memchr::memchr(b'\n', &rest[from..]) {
                Some(end) => rest = &rest[from + end + 1..],
                None => return,
            }
        }
    }

    /// The hashes found by the last look.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = u32> + '_ {
        self.keys[..self.count].iter().map(|key| key.hash)
    }
}
