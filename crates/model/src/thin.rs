//! Shared bytes behind a pointer of one word: hundreds of thousands of tag sets are kept, and
//! `Arc<[u8]>` would spend two words on each pointer and two on its counts.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// What stands before the bytes.
#[repr(C)]
struct Header {
    /// How many [`Bytes`] share the allocation.
    owners: AtomicU32,
    len: u32,
}

/// Immutable bytes, cheap to clone.
pub struct Bytes(NonNull<Header>);

// SAFETY: the bytes are never changed after they are made, and the count of owners is atomic.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

fn layout(len: usize) -> Layout {
    let size = size_of::<Header>() + len;
    Layout::from_size_align(size, align_of::<Header>()).expect("32 bits of length fit an allocation")
}

impl Bytes {
    /// A copy of `bytes`, of which there may be up to 4 GiB.
    pub fn new(bytes: &[u8]) -> Bytes {
        let len = u32::try_from(bytes.len()).expect("tags stay below 4 GiB");
        let layout = layout(bytes.len());
        // SAFETY: the layout has the size of the header at least. The header and the bytes behind it
        // are written before anybody can read them, and `bytes` cannot overlap a new allocation.
        unsafe {
            let Some(header) = NonNull::new(alloc(layout).cast::<Header>()) else {
                handle_alloc_error(layout)
            };
            header.write(Header { owners: AtomicU32::new(1), len });
            header.add(1).cast::<u8>().copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            Bytes(header)
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: the allocation lives as long as one of its owners, and `self` is one.
        unsafe { self.0.as_ref() }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let len = self.header().len as usize;
        // SAFETY: `new` wrote that many bytes behind the header, in the same allocation.
        unsafe { std::slice::from_raw_parts(self.0.add(1).cast::<u8>().as_ptr(), len) }
    }
}

impl Clone for Bytes {
    #[inline]
    fn clone(&self) -> Bytes {
        let owners = &self.header().owners;
        if owners.fetch_add(1, Ordering::Relaxed) > u32::MAX / 2 {
            // A count that wraps would free what is used. Far before that, a copy starts anew.
            owners.fetch_sub(1, Ordering::Relaxed);
            return Bytes::new(self);
        }
        Bytes(self.0)
    }
}

impl Drop for Bytes {
    #[inline]
    fn drop(&mut self) {
        let layout = layout(self.header().len as usize);
        if self.header().owners.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What other owners did with the bytes happens before they are freed.
        fence(Ordering::Acquire);
        // SAFETY: `self` was the last owner; the allocation was made with this layout.
        unsafe { dealloc(self.0.as_ptr().cast(), layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_and_the_last_one_frees() {
        assert_eq!(size_of::<Option<Bytes>>(), 8);
        for len in [0, 1, 7, 8, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let first = Bytes::new(&bytes);
            let clones: Vec<Bytes> = (0..10).map(|_| first.clone()).collect();
            drop(first);
            let threads = clones.into_iter().map(|clone| {
                let bytes = bytes.clone();
                std::thread::spawn(move || assert_eq!(*clone.clone(), *bytes))
            });
            for thread in threads.collect::<Vec<_>>() {
                thread.join().expect("all threads see the bytes");
            }
        }
    }
}
