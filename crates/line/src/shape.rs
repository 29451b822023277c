//! What the lines of one origin look like: the names of their fields and the order they come in.

use crate::text::same;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use model::Name;
use std::hash::{BuildHasher, Hasher};

/// No field, no run.
pub(crate) const NONE: u32 = u32::MAX;

/// Up to here names are found by looking at each.
const FEW: usize = 8;

/// The fields of an origin, numbered as they were first seen, and its runs of this write.
#[derive(Debug)]
pub(crate) struct Shape {
    names: Vec<FieldName>,
    /// The field that began the last line.
    first: u32,
    by_name: HashTable<u32>,
    hasher: RandomState,
    /// By lane: number of the run under construction, or `NONE`.
    pub(crate) runs: Vec<u32>,
    /// Rows of the longest run of the last write.
    pub(crate) rows_hint: usize,
}

#[derive(Debug)]
struct FieldName {
    name: Name,
    /// The name may be compared with the bytes of a line.
    plain: bool,
    /// The field that came after this one last.
    next: u32,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            names: Vec::new(),
            first: NONE,
            by_name: HashTable::new(),
            hasher: RandomState::default(),
            runs: Vec::new(),
            rows_hint: 0,
        }
    }
}

impl Shape {
    /// Number of fields.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of a field.
    pub(crate) fn name(&self, id: u32) -> &Name {
        &self.names[id as usize].name
    }

    /// The field whose name and equals sign stand at `at`, when it is the one that came after
    /// `previous` last time; and the byte behind the equals sign.
    #[inline]
    pub(crate) fn guess(&self, bytes: &[u8], at: usize, previous: u32) -> Option<(u32, usize)> {
        let id = self.names.get(previous as usize).map_or(self.first, |field| field.next);
        self.starts(bytes, at, id).or_else(|| self.starts(bytes, at, previous.wrapping_add(1)))
    }

    #[inline]
    fn starts(&self, bytes: &[u8], at: usize, id: u32) -> Option<(u32, usize)> {
        let field = self.names.get(id as usize)?;
        let name = field.name.as_bytes();
        let end = at + name.len();
        let fits = bytes.get(end) == Some(&b'=') && same(&bytes[at..end], name) && field.plain;
        fits.then_some((id, end + 1))
    }

    /// The field with that name as written, when a plain spelling of it is known.
    pub(crate) fn find_plain(&self, name: &[u8]) -> Option<u32> {
        self.find(name).filter(|&id| self.names[id as usize].plain)
    }

    fn find(&self, name: &[u8]) -> Option<u32> {
        if self.names.len() <= FEW {
            return self.names.iter().position(|f| same(f.name.as_bytes(), name)).map(|id| id as u32);
        }
        let same = |&id: &u32| self.names[id as usize].name.as_bytes() == name;
        self.by_name.find(hash(&self.hasher, name), same).copied()
    }

    /// The field with that name; a new one when there is none. `plain`: the line has it as it is.
    pub(crate) fn find_or_add(&mut self, name: &str, plain: bool) -> u32 {
        if let Some(id) = self.find(name.as_bytes()) {
            self.names[id as usize].plain |= plain;
            return id;
        }
        let id = self.names.len() as u32;
        self.names.push(FieldName { name: Name::from(name), plain, next: NONE });
        let Shape { names, by_name, hasher, .. } = self;
        let hash_of = |&id: &u32| hash(hasher, names[id as usize].name.as_bytes());
        by_name.insert_unique(hash(hasher, name.as_bytes()), id, hash_of);
        id
    }

    /// Remembers that field `id` came after `previous`.
    #[inline]
    pub(crate) fn follow(&mut self, previous: u32, id: u32) {
        match self.names.get_mut(previous as usize) {
            Some(field) => field.next = id,
            None => self.first = id,
        }
    }
}

fn hash(hasher: &RandomState, name: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        let mut shape = Shape::default();
        for n in 0..100 {
            assert_eq!(shape.find_or_add(&format!("f{n}"), n % 2 == 0), n);
            assert_eq!(shape.find_or_add(&format!("f{n}"), false), n);
        }
        assert_eq!(shape.find_plain(b"f42"), Some(42));
        assert_eq!(shape.find_plain(b"f43"), None, "written with escapes only");
        assert_eq!(shape.find_plain(b"g"), None);
    }

    #[test]
    fn order_is_guessed() {
        let mut shape = Shape::default();
        let [a, b, c] = ["a", "bb", "c"].map(|name| shape.find_or_add(name, true));
        assert_eq!(shape.guess(b"a=1", 0, NONE), Some((a, 2)));
        assert_eq!(shape.guess(b"c=1", 0, NONE), None);
        shape.follow(NONE, c);
        assert_eq!(shape.guess(b"c=1", 0, NONE), Some((c, 2)));
        shape.follow(c, b);
        assert_eq!(shape.guess(b"c=1,bb=1", 4, c), Some((b, 7)));
        assert_eq!(shape.guess(b"c=1,bbb=1", 4, c), None);
    }
}
