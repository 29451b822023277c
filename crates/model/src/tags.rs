//! The tags of a point or a group.

use crate::thin::Bytes;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

/// Tags sorted by key, in one shared allocation: for each tag the length of its key and value (as
/// LEB128), then both texts. Cheap to clone, compare and hash.
#[derive(Clone)]
pub struct TagSet(Bytes);

static EMPTY: LazyLock<TagSet> = LazyLock::new(|| TagSet(Bytes::new(&[])));

impl TagSet {
    /// No tags.
    pub fn empty() -> TagSet {
        EMPTY.clone()
    }

    /// From pairs whose keys ascend, as agents write them; `None` when they do not.
    pub fn from_sorted<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Option<TagSet> {
        with_buffer(|bytes| {
            let mut last: Option<K> = None;
            for (key, value) in pairs {
                if last.as_ref().is_some_and(|last| last.as_ref() >= key.as_ref()) {
                    return None;
                }
                push_text(bytes, key.as_ref());
                push_text(bytes, value.as_ref());
                last = Some(key);
            }
            Some(TagSet::of_encoding(bytes))
        })
    }

    /// From pairs in any order; of a repeated key the last value counts.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> TagSet {
        let mut pairs: Vec<(K, V)> = pairs.into_iter().collect();
        pairs.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        let mut bytes = Vec::new();
        for (i, (key, value)) in pairs.iter().enumerate() {
            let repeated = pairs.get(i + 1).is_some_and(|next| next.0.as_ref() == key.as_ref());
            if !repeated {
                push_text(&mut bytes, key.as_ref());
                push_text(&mut bytes, value.as_ref());
            }
        }
        TagSet::of_encoding(&bytes)
    }

    /// From bytes that this module wrote.
    fn of_encoding(bytes: &[u8]) -> TagSet {
        if bytes.is_empty() { TagSet::empty() } else { TagSet(Bytes::new(bytes)) }
    }

    /// The tags in order of their keys.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }

    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// Number of tags.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// No tags.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These tags and one more (or another value for it).
    pub fn with(&self, key: &str, value: &str) -> TagSet {
        TagSet::new(self.iter().chain([(key, value)]))
    }

    /// These tags less one.
    pub fn without(&self, key: &str) -> TagSet {
        TagSet::new(self.iter().filter(|(k, _)| *k != key))
    }

    /// Only these keys, with `""` for one that is missing: the tags of a group.
    pub fn project<K: AsRef<str>>(&self, keys: &[K]) -> TagSet {
        self.with_projection(keys, TagSet::of_encoding)
    }

    /// Hands the encoding of [`Self::project`] to `take`, without making a set of it.
    pub fn with_projection<K: AsRef<str>, T>(&self, keys: &[K], take: impl FnOnce(&[u8]) -> T) -> T {
        if !keys.is_sorted_by(|a, b| a.as_ref() < b.as_ref()) {
            let pairs = keys.iter().map(|key| (key.as_ref(), self.get(key.as_ref()).unwrap_or("")));
            return take(TagSet::new(pairs).as_bytes());
        }
        with_buffer(|bytes| {
            for key in keys {
                push_text(bytes, key.as_ref());
                push_text(bytes, self.get(key.as_ref()).unwrap_or(""));
            }
            take(bytes)
        })
    }

    /// Its encoding, the same for equal tags: what hashes and logs use.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From [`Self::as_bytes`]; `None` when the bytes are not an encoding (checked whole).
    pub fn from_bytes(bytes: &[u8]) -> Option<TagSet> {
        let mut rest = bytes;
        let mut last: Option<&str> = None;
        while !rest.is_empty() {
            let key = checked_text(&mut rest)?;
            checked_text(&mut rest)?;
            if last.is_some_and(|last| last >= key) {
                return None;
            }
            last = Some(key);
        }
        Some(if bytes.is_empty() { TagSet::empty() } else { TagSet(Bytes::new(bytes)) })
    }
}

/// Lends an empty buffer, so that working an encoding out does not allocate.
fn with_buffer<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    // Taken out, so that `work` may come here again.
    let mut bytes = BUFFER.take();
    bytes.clear();
    let done = work(&mut bytes);
    BUFFER.set(bytes);
    done
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let mut len = text.len();
    while len >= 0x80 {
        bytes.push(len as u8 | 0x80);
        len >>= 7;
    }
    bytes.push(len as u8);
    bytes.extend_from_slice(text.as_bytes());
}

fn take_len(rest: &mut &[u8]) -> Option<usize> {
    let mut len = 0usize;
    for shift in (0..35).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        len |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(len);
        }
    }
    None
}

fn checked_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let len = take_len(rest)?;
    let (text, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    std::str::from_utf8(text).ok()
}

/// The tags of a [`TagSet`], in order of their keys.
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iter<'a> {
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let len = take_len(&mut self.rest)?;
        let (text, tail) = self.rest.split_at_checked(len)?;
        self.rest = tail;
        // SAFETY: a TagSet is only made from `&str`s (`new`) or from bytes that `from_bytes`
        // checked, and is never changed.
        Some(unsafe { std::str::from_utf8_unchecked(text) })
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some((self.text()?, self.text()?))
    }
}

impl<'a> IntoIterator for &'a TagSet {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialEq for TagSet {
    #[inline]
    fn eq(&self, other: &TagSet) -> bool {
        *self.0 == *other.0
    }
}

impl Eq for TagSet {}

impl PartialOrd for TagSet {
    fn partial_cmp(&self, other: &TagSet) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TagSet {
    fn cmp(&self, other: &TagSet) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl Hash for TagSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Default for TagSet {
    fn default() -> TagSet {
        TagSet::empty()
    }
}

impl fmt::Debug for TagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for TagSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for TagSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<TagSet, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = TagSet;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an encoded tag set")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<TagSet, E> {
                TagSet::from_bytes(bytes).ok_or_else(|| E::custom("not an encoded tag set"))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let tags = TagSet::new([("b", "2"), ("a", "1"), ("b", "3")]);
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!(TagSet::from_sorted([("a", "1"), ("b", "3")]), Some(tags.clone()));
        assert_eq!(TagSet::from_sorted([("b", "3"), ("a", "1")]), None);
        assert_eq!(TagSet::from_sorted([("a", "1"), ("a", "1")]), None);
        for keys in [&["a", "c"][..], &["c", "a"], &["c", "a", "c"]] {
            assert_eq!(tags.project(keys), TagSet::new([("a", "1"), ("c", "")]));
        }
        assert_eq!(TagSet::from_bytes(tags.as_bytes()), Some(tags));
        assert_eq!(TagSet::from_bytes(&[1, b'a']), None);
    }
}
