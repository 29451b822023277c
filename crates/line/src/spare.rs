//! Buffers of finished runs, to be written again.

/// Buffers kept, in bytes: enough for a few large writes.
const BYTES_MAX: usize = 8 << 20;

/// Empty vectors with capacity, by element type, bounded in bytes.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    ints: Vec<Vec<i64>>,
    numbers: Vec<Vec<u32>>,
    floats: Vec<Vec<f64>>,
    bytes: usize,
}

/// Takes a buffer out, or allocates one for `len` elements.
fn take<T>(pool: &mut Vec<Vec<T>>, bytes: &mut usize, len: usize) -> Vec<T> {
    match pool.pop() {
        Some(buffer) => {
            *bytes -= buffer.capacity() * size_of::<T>();
            buffer
        }
        None => Vec::with_capacity(len),
    }
}

fn give<T>(pool: &mut Vec<Vec<T>>, bytes: &mut usize, mut buffer: Vec<T>) {
    let size = buffer.capacity() * size_of::<T>();
    if size > 0 && *bytes + size <= BYTES_MAX {
        buffer.clear();
        *bytes += size;
        pool.push(buffer);
    }
}

impl Spare {
    pub(crate) fn ints(&mut self, len: usize) -> Vec<i64> {
        take(&mut self.ints, &mut self.bytes, len)
    }

    pub(crate) fn numbers(&mut self, len: usize) -> Vec<u32> {
        take(&mut self.numbers, &mut self.bytes, len)
    }

    pub(crate) fn floats(&mut self, len: usize) -> Vec<f64> {
        take(&mut self.floats, &mut self.bytes, len)
    }

    pub(crate) fn give_ints(&mut self, buffer: Vec<i64>) {
        give(&mut self.ints, &mut self.bytes, buffer);
    }

    pub(crate) fn give_numbers(&mut self, buffer: Vec<u32>) {
        give(&mut self.numbers, &mut self.bytes, buffer);
    }

    pub(crate) fn give_floats(&mut self, buffer: Vec<f64>) {
        give(&mut self.floats, &mut self.bytes, buffer);
    }

    /// Memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
