//! The column families, and changes that are written together.

/// A key space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// What the control group agreed on, and what a member knows of itself.
    Control,
    /// Checkpoints of shards.
    Checkpoints,
    /// Votes, purge marks and commit marks of Raft groups.
    Raft,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 3] = [Family::Control, Family::Checkpoints, Family::Raft];

    /// The name on disk; never changed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Control => "control",
            Family::Checkpoints => "checkpoints",
            Family::Raft => "raft",
        }
    }
}

/// One change of a key space.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    DeletePrefix(Vec<u8>),
}

/// Changes that take effect together, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<(Family, Change)>,
    bytes: usize,
}

impl Batch {
    /// A batch without changes.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Sets a key.
    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let (key, value) = (key.into(), value.into());
        self.bytes += key.len() + value.len();
        self.changes.push((family, Change::Put(key, value)));
    }

    /// Removes a key; one that is not there is fine.
    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        let key = key.into();
        self.bytes += key.len();
        self.changes.push((family, Change::Delete(key)));
    }

    /// Removes every key that starts with `prefix`, also those put earlier in this batch (for a prefix
    /// of nothing but 0xff bytes, and for the empty one: only those that were there before).
    pub fn delete_prefix(&mut self, family: Family, prefix: impl Into<Vec<u8>>) {
        let prefix = prefix.into();
        self.bytes += prefix.len();
        self.changes.push((family, Change::DeletePrefix(prefix)));
    }

    /// Adds all changes of another batch behind these.
    pub fn append(&mut self, mut other: Batch) {
        self.bytes += other.bytes;
        self.changes.append(&mut other.changes);
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// The size of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn into_changes(self) -> impl Iterator<Item = (Family, Change)> {
        self.changes.into_iter()
    }
}

/// The first key behind all that start with `prefix`, or `None` when there can be none.
pub(crate) fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn the_end_of_a_prefix_is_the_next_prefix() {
        let cases: &[(&[u8], Option<&[u8]>)] = &[
            (b"", None),
            (b"a", Some(b"b")),
            (b"ab", Some(b"ac")),
            (b"a\xff", Some(b"b")),
            (b"a\xff\xff", Some(b"b")),
            (b"\xff\xff", None),
            (b"\xfe", Some(b"\xff")),
        ];
        for (prefix, end) in cases {
            assert_eq!(end_of(prefix).as_deref(), *end, "{prefix:?}");
        }
    }
}
