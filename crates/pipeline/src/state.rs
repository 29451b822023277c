//! What a node remembers: one plain value a group, in a vector. Saving, loading and dropping state
//! is written here, once, so that no node can forget it.

use model::Time;
use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;

/// Groups in one chunk of saved state: small enough that one changed group does not rewrite much,
/// large enough that keys and calls do not weigh.
pub const CHUNK: usize = 64;

/// A value that a node keeps for each group. `Default` is what a new group has.
pub trait GroupState: Default + Send + Serialize + DeserializeOwned + 'static {}
impl<T: Default + Send + Serialize + DeserializeOwned + 'static> GroupState for T {}

/// Key of a node's [`States::due`] among its chunks.
const DUE: u32 = u32::MAX;

/// The states of one node in one shard.
#[derive(Debug)]
pub struct States<S> {
    values: Vec<S>,
    /// One word a chunk: the groups that were asked for since the last save. A chunk is as long as a
    /// word has bits.
    touched: Vec<u64>,
    /// One word a chunk: the groups that have a state.
    used: Vec<u64>,
    /// One bit a chunk: changed since the last save.
    dirty: Vec<u64>,
    due: Time,
    due_saved: Time,
    pub(crate) bindings: crate::rowwise::Bindings,
}

impl<S> Default for States<S> {
    fn default() -> States<S> {
        States {
            values: Vec::new(),
            touched: Vec::new(),
            used: Vec::new(),
            dirty: Vec::new(),
            due: Time::MAX,
            due_saved: Time::MAX,
            bindings: Default::default(),
        }
    }
}

impl<S: GroupState> States<S> {
    /// The state of a group, to be changed.
    #[inline]
    pub fn get(&mut self, group: u32) -> &mut S {
        let at = group as usize;
        // Looked at before it is written: else each row would wait for the one before.
        let touched = self.touched.get(at / CHUNK).is_some_and(|word| word >> (at % CHUNK) & 1 == 1);
        if !touched {
            self.touch(at);
        }
        &mut self.values[at]
    }

    /// The state of a group, to be read.
    pub fn peek(&self, group: u32) -> Option<&S> {
        self.values.get(group as usize)
    }

    /// The states of all groups that have one, by group.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &S)> {
        let all = self.values.iter().enumerate();
        all.filter(|(at, _)| self.is_used(*at as u32)).map(|(at, state)| (at as u32, state))
    }

    /// The groups that have a state, in ascending order.
    pub fn used(&self) -> Vec<u32> {
        self.iter().map(|(group, _)| group).collect()
    }

    /// Forgets the state of a group.
    pub fn forget(&mut self, group: u32) {
        let at = group as usize;
        if self.is_used(group) {
            self.values[at] = S::default();
            let bit = !(1 << (at % CHUNK));
            self.used[at / CHUNK] &= bit;
            self.touched[at / CHUNK] &= bit;
            self.dirty[at / CHUNK / 64] |= 1 << (at / CHUNK % 64);
        }
    }

    /// When the node is to be called next ([`crate::node::Node::tick`]); `Time::MAX` is never.
    pub fn due(&self) -> Time {
        self.due
    }

    /// Sets the time of the next tick.
    pub fn set_due(&mut self, due: Time) {
        self.due = due;
    }

    /// The next tick is at `due`, if it is not to come before.
    pub fn wake_by(&mut self, due: Time) {
        self.due = self.due.min(due);
    }

    #[cold]
    fn touch(&mut self, at: usize) {
        if at >= self.values.len() {
            self.grow(at);
        }
        let (chunk, bit) = (at / CHUNK, 1 << (at % CHUNK));
        self.touched[chunk] |= bit;
        self.used[chunk] |= bit;
        self.dirty[chunk / 64] |= 1 << (chunk % 64);
    }

    fn grow(&mut self, at: usize) {
        self.values.resize_with(at + 1, S::default);
        self.touched.resize(at / CHUNK + 1, 0);
        self.used.resize(at / CHUNK + 1, 0);
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

    /// The group has a state.
    fn is_used(&self, group: u32) -> bool;

    /// See [`States::due`].
    fn due(&self) -> Time;
}

impl<S: GroupState> AnyStates for States<S> {
    fn save(&mut self, put: &mut dyn FnMut(u32, Vec<u8>)) {
        if self.due != self.due_saved {
            self.due_saved = self.due;
            put(DUE, postcard::to_allocvec(&self.due).expect("plain values always encode"));
        }
        for word in 0..self.dirty.len() {
            let mut bits = std::mem::take(&mut self.dirty[word]);
            while bits != 0 {
                let chunk = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.touched[chunk] = 0;
                let end = ((chunk + 1) * CHUNK).min(self.values.len());
                let saved = (self.used[chunk], &self.values[chunk * CHUNK..end]);
                put(chunk as u32, postcard::to_allocvec(&saved).expect("plain values always encode"));
            }
        }
    }

    fn load(&mut self, chunk: u32, bytes: &[u8]) -> Result<(), postcard::Error> {
        if chunk == DUE {
            self.due = postcard::from_bytes(bytes)?;
            self.due_saved = self.due;
            return Ok(());
        }
        let (used, values): (u64, Vec<S>) = postcard::from_bytes(bytes)?;
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
            self.used[chunk as usize] = used;
        }
        Ok(())
    }

    fn is_used(&self, group: u32) -> bool {
        let word = self.used.get(group as usize / CHUNK);
        word.is_some_and(|word| word >> (group as usize % CHUNK) & 1 == 1)
    }

    fn due(&self) -> Time {
        self.due
    }
}
