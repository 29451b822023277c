//! What a node remembers: one plain value a group, in a vector. Saving, loading and dropping state
//! is written here, once, so that no node can forget it.

use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;

/// Groups in one chunk of saved state: small enough that one changed group does not rewrite much,
/// large enough that keys and calls do not weigh.
pub const CHUNK: usize = 64;

/// A value that a node keeps for each group. `Default` is what a new group has.
pub trait GroupState: Default + Send + Serialize + DeserializeOwned + 'static {}
impl<T: Default + Send + Serialize + DeserializeOwned + 'static> GroupState for T {}

/// The states of one node in one shard.
#[derive(Debug, Default)]
pub struct States<S> {
    values: Vec<S>,
    /// One bit a chunk: changed since the last save.
    dirty: Vec<u64>,
    pub(crate) bindings: crate::rowwise::Bindings,
}

impl<S: GroupState> States<S> {
    /// The state of a group, to be changed.
    #[inline]
    pub fn get(&mut self, group: u32) -> &mut S {
        let at = group as usize;
        if at >= self.values.len() {
            self.grow(at);
        }
        // Looked at before it is written: else each row would wait for the one before.
        let (word, bit) = (&mut self.dirty[at / CHUNK / 64], 1 << (at / CHUNK % 64));
        if *word & bit == 0 {
            *word |= bit;
        }
        &mut self.values[at]
    }

    /// The state of a group, to be read.
    pub fn peek(&self, group: u32) -> Option<&S> {
        self.values.get(group as usize)
    }

    /// All states that were ever asked for, by group.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &S)> {
        self.values.iter().enumerate().map(|(at, state)| (at as u32, state))
    }

    #[cold]
    fn grow(&mut self, at: usize) {
        self.values.resize_with(at + 1, S::default);
        self.dirty.resize(at / CHUNK / 64 + 1, 0);
    }
}

/// [`States`] of any type: what the shard holds of a node.
pub trait AnyStates: Any + Send {
    /// Hands each chunk that changed since the last save to `put(chunk, bytes)`.
    fn save(&mut self, put: &mut dyn FnMut(u32, Vec<u8>));

    /// Takes back a chunk that [`Self::save`] gave. An error means the bytes are not this node's
    /// state: another version of Farad, or a damaged checkpoint.
    fn load(&mut self, chunk: u32, bytes: &[u8]) -> Result<(), postcard::Error>;

    /// Number of groups.
    fn groups(&self) -> usize;
}

impl<S: GroupState> AnyStates for States<S> {
    fn save(&mut self, put: &mut dyn FnMut(u32, Vec<u8>)) {
        for word in 0..self.dirty.len() {
            let mut bits = std::mem::take(&mut self.dirty[word]);
            while bits != 0 {
                let chunk = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let end = ((chunk + 1) * CHUNK).min(self.values.len());
                let bytes = postcard::to_allocvec(&self.values[chunk * CHUNK..end])
                    .expect("plain values always encode");
                put(chunk as u32, bytes);
            }
        }
    }

    fn load(&mut self, chunk: u32, bytes: &[u8]) -> Result<(), postcard::Error> {
        let values: Vec<S> = postcard::from_bytes(bytes)?;
        let start = chunk as usize * CHUNK;
        if values.len() > CHUNK {
            return Err(postcard::Error::DeserializeBadEncoding);
        }
        if let Some(last) = values.len().checked_sub(1) {
            if start + last >= self.values.len() {
                self.grow(start + last);
            }
            for (offset, value) in values.into_iter().enumerate() {
                self.values[start + offset] = value;
            }
        }
        Ok(())
    }

    fn groups(&self) -> usize {
        self.values.len()
    }
}
