//! A place for checkpoints, in memory.

use pipeline::checkpoint::{Each, Error, Sink, Source};
use std::collections::BTreeMap;

/// Keys and values of one shard's checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store(BTreeMap<Vec<u8>, Vec<u8>>);

impl Store {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Sink for Store {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    fn delete_prefix(&mut self, prefix: Vec<u8>) {
        self.0.retain(|key, _| !key.starts_with(&prefix));
    }
}

impl Source for Store {
    fn scan(&self, prefix: &[u8], each: Each<'_>) -> Result<(), Error> {
        let from = self.0.range(prefix.to_vec()..);
        for (key, value) in from.take_while(|(key, _)| key.starts_with(prefix)) {
            each(key, value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_a_prefix_in_order_and_deletes_it() {
        let mut store = Store::default();
        for key in ["b2", "a", "b1", "c"] {
            store.put(key.into(), key.to_uppercase().into());
        }
        let mut seen = Vec::new();
        let mut each = |key: &[u8], value: &[u8]| {
            seen.push((key.to_vec(), value.to_vec()));
            Ok(())
        };
        store.scan(b"b", &mut each).expect("no value is refused");
        assert_eq!(seen, [(b"b1".to_vec(), b"B1".to_vec()), (b"b2".to_vec(), b"B2".to_vec())]);
        store.delete_prefix(b"b".to_vec());
        assert_eq!(store.len(), 2);
    }
}
