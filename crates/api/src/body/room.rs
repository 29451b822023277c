//! How much unfinished bodies may hold of memory, all together: a client that stops halfway keeps
//! what it has sent until it is cut, and there may be many of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of all unfinished bodies, in the form in which they were sent.
pub const BYTES_MAX: u64 = 1 << 30;

/// The room for all bodies.
#[derive(Debug)]
pub struct Room {
    used: AtomicU64,
    max: u64,
}

impl Default for Room {
    fn default() -> Room {
        Room { used: AtomicU64::new(0), max: BYTES_MAX }
    }
}

impl Room {
    /// What one body takes of it; it comes back when this is dropped.
    pub fn hold(&self) -> Held<'_> {
        Held { room: self, bytes: 0 }
    }
}

/// What one body has taken.
#[derive(Debug)]
pub struct Held<'r> {
    room: &'r Room,
    bytes: u64,
}

impl Held<'_> {
    /// Takes more. False: there is no room, and nothing is taken.
    pub fn take(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        if self.room.used.fetch_add(bytes, Relaxed) + bytes > self.room.max {
            self.room.used.fetch_sub(bytes, Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Bytes of this body so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back() {
        let room = Room { max: 10, ..Room::default() };
        let mut one = room.hold();
        let mut other = room.hold();
        assert!(one.take(6) && !other.take(5) && other.take(4) && !one.take(1));
        assert_eq!((one.bytes(), other.bytes()), (6, 4));
        drop(one);
        assert!(other.take(6));
    }
}
