//! Which series a raw key names: an own hash table that guesses the next key before it hashes.

use crate::ahead::Ahead;
use crate::scan::is_plain_key;
use crate::slot::Slot;
use crate::text::same;
use foldhash::fast::RandomState;
use std::hash::{BuildHasher, Hasher};

/// No entry.
const NONE: u32 = u32::MAX;

/// Keys up to which the index is taken to stay in the processor's caches.
const CACHED_MAX: usize = 1 << 14;

/// Keys of lines, as written, and the slots that a [`crate::Router`] gave them.
///
/// Agents write their series in the same order again and again, so each entry remembers which one
/// followed it last: comparing with that key finds the end of the key, checks it and saves the
/// hash. Costs 32 bytes a key, 10 to 21 in the table, and the key itself.
///
/// The index only grows until it is cleared; past its limit it clears itself, tells the router and
/// asks it again. One index serves one database and retention policy.
#[derive(Debug)]
pub struct SeriesIndex {
    entries: Vec<Entry>,
    keys: Vec<u8>,
    /// Open addressing with linear probing; a power of two, at most three quarters full.
    table: Vec<Cell>,
    hasher: RandomState,
    /// The entry that the last line had.
    last: u32,
    bytes_max: usize,
    ahead: Ahead,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where the key begins in `keys`.
    start: u32,
    len: u16,
    /// The fast reader may take a line with this key.
    plain: bool,
    /// The entry that followed this one last.
    next: u32,
    slot: Slot,
}

/// A place in the table; the hash is here so that growing and missing need not look at the keys.
#[derive(Clone, Copy, Debug)]
struct Cell {
    hash: u32,
    entry: u32,
}

const FREE: Cell = Cell { hash: 0, entry: NONE };

impl Default for SeriesIndex {
    fn default() -> SeriesIndex {
        SeriesIndex::new(1 << 30)
    }
}

impl SeriesIndex {
    /// An empty index that may use `bytes_max` bytes (at most 4 GiB of keys) before it starts
    /// anew.
    pub fn new(bytes_max: usize) -> SeriesIndex {
        SeriesIndex {
            entries: Vec::new(),
            keys: Vec::new(),
            table: Vec::new(),
            hasher: RandomState::default(),
            last: NONE,
            bytes_max: bytes_max.min(u32::MAX as usize),
            ahead: Ahead::default(),
        }
    }

    /// Forgets all keys: the routes have changed.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.keys.clear();
        self.table.fill(FREE);
        self.last = NONE;
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.keys.capacity()
            + self.table.capacity() * size_of::<Cell>()
    }

    /// Another buffer is about to be read.
    pub(crate) fn begin_chunk(&mut self) {
        self.ahead.forget();
    }

    /// The entry that the key of the line at the beginning of `rest` has, with the length of the
    /// key, when the fast reader may go on with the line.
    #[inline]
    pub(crate) fn find_line(&mut self, rest: &[u8]) -> Option<(u32, usize)> {
        if let Some(guess) = self.guess(rest) {
            return Some(guess);
        }
        self.search_line(rest)
    }

    #[inline]
    fn guess(&self, line: &[u8]) -> Option<(u32, usize)> {
        let id = self.entries.get(self.last as usize)?.next;
        let entry = self.entries.get(id as usize)?;
        let len = usize::from(entry.len);
        let head = line.get(..len)?;
        let fits = same(head, self.key(entry)) && line.get(len) == Some(&b' ') && entry.plain;
        fits.then_some((id, len))
    }

    fn search_line(&mut self, rest: &[u8]) -> Option<(u32, usize)> {
        let (len, hash) = match self.entries.len() > CACHED_MAX {
            true => self.look_ahead(rest)?,
            false => key_len(rest).map(|len| (len, self.hash(&rest[..len])))?,
        };
        // A key found ahead is a hint, perhaps a stale one: it counts only if a space is behind it.
        let key = rest.get(..len).filter(|_| rest.get(len) == Some(&b' '))?;
        let id = self.lookup_hashed(key, hash)?;
        self.entries[id as usize].plain.then_some((id, len))
    }

    /// Length and hash of the key at the beginning of `rest`. When it was not met by an earlier
    /// look, the next lines' keys are hashed at once and their way through the table is brought
    /// into the cache, all of them at the same time instead of one after the other.
    fn look_ahead(&mut self, rest: &[u8]) -> Option<(usize, u32)> {
        if let Some(found) = self.ahead.take(rest) {
            return Some(found);
        }
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.look(rest, |key| self.hash(key));
        let mask = self.table.len() - 1;
        let places = || ahead.hashes().map(|hash| hash as usize & mask);
        places().for_each(|at| prefetch(&self.table, at));
        let entries = || places().map(|at| self.table[at].entry as usize);
        entries().for_each(|id| prefetch(&self.entries, id));
        for entry in entries().filter_map(|id| self.entries.get(id)) {
            prefetch(&self.keys, entry.start as usize);
        }
        self.ahead = ahead;
        self.ahead.take(rest)
    }

    #[inline]
    fn key(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize;
        &self.keys[start..start + usize::from(entry.len)]
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        (hash ^ hash >> 32) as u32
    }

    /// The entry of a key.
    pub(crate) fn lookup(&self, key: &[u8]) -> Option<u32> {
        self.lookup_hashed(key, self.hash(key))
    }

    #[inline]
    fn lookup_hashed(&self, key: &[u8], hash: u32) -> Option<u32> {
        let mask = self.table.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let cell = self.table[at];
            if cell.entry == NONE {
                return None;
            }
            if cell.hash == hash && same(self.key(&self.entries[cell.entry as usize]), key) {
                return Some(cell.entry);
            }
            at = (at + 1) & mask;
        }
    }

    /// The slot of an entry.
    #[inline]
    pub(crate) fn slot(&self, id: u32) -> Slot {
        self.entries[id as usize].slot
    }

    /// Remembers that entry `id` came after the last one.
    #[inline]
    pub(crate) fn follow(&mut self, id: u32) {
        if let Some(last) = self.entries.get_mut(self.last as usize)
            && last.next != id
        {
            last.next = id;
        }
        self.last = id;
    }

    /// Starts anew when the limit leaves no room for a key; says whether it did.
    pub(crate) fn make_room(&mut self, key_len: usize) -> bool {
        let full = self.entries.len() >= NONE as usize - 1;
        let anew = (full || self.bytes() + key_len > self.bytes_max) && !self.is_empty();
        if anew {
            *self = SeriesIndex::new(self.bytes_max);
        }
        anew
    }

    /// Adds a key that the index does not have, of at most 65535 bytes.
    pub(crate) fn insert(&mut self, key: &[u8], slot: Slot) -> u32 {
        self.reserve(key.len());
        let id = self.entries.len() as u32;
        let hash = self.hash(key);
        self.place(Cell { hash, entry: id });
        let (start, len) = (self.keys.len() as u32, key.len() as u16);
        self.keys.extend_from_slice(key);
        self.entries.push(Entry { start, len, plain: is_plain_key(key), next: NONE, slot });
        id
    }

    /// Room for one more key. Vectors grow by a quarter, for at hundreds of thousands of keys the
    /// slack of doubling is memory that counts.
    fn reserve(&mut self, key_bytes: usize) {
        let entries = &mut self.entries;
        if entries.len() == entries.capacity() {
            entries.reserve_exact((entries.len() / 4).max(64));
        }
        let keys = &mut self.keys;
        if keys.capacity() - keys.len() < key_bytes {
            keys.reserve_exact(key_bytes.max(keys.len() / 4).max(4096));
        }
        if (self.entries.len() + 1) * 4 > self.table.len() * 3 {
            let size = (self.table.len() * 2).max(64);
            let old = std::mem::replace(&mut self.table, vec![FREE; size]);
            old.into_iter().filter(|cell| cell.entry != NONE).for_each(|cell| self.place(cell));
        }
    }

    fn place(&mut self, cell: Cell) {
        let mask = self.table.len() - 1;
        let mut at = cell.hash as usize & mask;
        while self.table[at].entry != NONE {
            at = (at + 1) & mask;
        }
        self.table[at] = cell;
    }
}

/// The length of the key that `rest` begins with, unless a newline comes first.
pub(crate) fn key_len(rest: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b' ', b'\n', rest.get(from..)?)?;
        match rest[at] {
            b' ' if at > 0 && rest[at - 1] == b'\\' => from = at + 1,
            b' ' => return Some(at),
            _ => return None,
        }
    }
}

/// Asks the processor for an element that will be read soon.
#[inline(always)]
fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing; the address is that of an element besides.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(series: u32) -> Slot {
        Slot { origin: 0, plan: 0, lane: 0, series, more: crate::MORE_NONE }
    }

    fn fill(index: &mut SeriesIndex, count: u32) {
        for n in 0..count {
            let key = format!("cpu,host=server{n:06}");
            assert_eq!(index.lookup(key.as_bytes()), None);
            index.make_room(key.len());
            index.insert(key.as_bytes(), slot(n));
        }
    }

    #[test]
    fn finds_what_was_put_in() {
        let mut index = SeriesIndex::default();
        fill(&mut index, 10_000);
        for n in (0..10_000).rev() {
            let line = format!("cpu,host=server{n:06} v=1\n");
            let (id, len) = index.find_line(line.as_bytes()).unwrap();
            assert_eq!((index.slot(id).series, len), (n, 21));
            index.follow(id);
        }
        assert!(index.bytes() < 10_000 * (40 + 14 + 27), "{} bytes", index.bytes());
        index.clear();
        assert_eq!(index.find_line(b"cpu,host=server000001 v=1\n"), None);
        assert!(index.is_empty());
    }

    #[test]
    fn looks_ahead_when_large() {
        let mut index = SeriesIndex::default();
        fill(&mut index, 40_000);
        let hosts: Vec<u32> = (0..1000).map(|n| n * 7919 % 40_000).collect();
        let lines = hosts.iter().map(|n| match n % 5 {
            0 => format!("cpu,host=server{n:06} v=\"two\nlines\"\n"),
            1 => format!("cpu,host=server{n:06} v=1\ncpu,host=other v=1\n\n# x\n"),
            _ => format!("cpu,host=server{n:06} v=1\n"),
        });
        for line in [lines.clone().collect::<String>(), lines.collect::<String>() + "cpu"] {
            let mut rest = line.as_bytes();
            let mut found = Vec::new();
            index.begin_chunk();
            while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                if let Some((id, len)) = index.find_line(rest) {
                    assert_eq!(len, 21);
                    found.push(index.slot(id).series);
                    index.follow(id);
                }
                rest = &rest[end + 1..];
            }
            assert_eq!(found, hosts);
        }
    }

    #[test]
    fn guesses_the_follower() {
        let mut index = SeriesIndex::default();
        fill(&mut index, 3);
        for id in [0, 2, 0] {
            index.follow(id);
        }
        assert_eq!(index.guess(b"cpu,host=server000002 v=1"), Some((2, 21)));
        assert_eq!(index.guess(b"cpu,host=server000002,a=b v=1"), None);
        assert_eq!(index.guess(b"cpu,host=server000001 v=1"), None);
    }

    #[test]
    fn starts_anew_at_the_limit() {
        let mut index = SeriesIndex::new(100_000);
        fill(&mut index, 10_000);
        assert!(index.bytes() <= 110_000, "{} bytes", index.bytes());
        assert!(index.len() > 100);
    }
}
