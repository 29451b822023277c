//! Bytes on disk and on the wire: little-endian, lengths before contents, a version byte first.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};

/// Why bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Torn {
    #[error("it ends too early")]
    Short,
    #[error("{0} bytes follow its end")]
    Long(usize),
    #[error("version {found} is not the version {wanted} that this member reads")]
    Version { found: u8, wanted: u8 },
    #[error("{0}")]
    Wrong(&'static str),
}

/// What can be written.
pub(crate) trait Encode {
    fn put(&self, out: &mut Vec<u8>);
}

/// What can be read.
pub(crate) trait Decode: Sized {
    fn decode_from(reader: &mut Reader) -> Result<Self, Torn>;
}

/// Bytes being read. Contents are handed out as slices of the same buffer, never copied.
pub(crate) struct Reader {
    bytes: Bytes,
}

impl Reader {
    pub(crate) fn new(bytes: Bytes) -> Reader {
        Reader { bytes }
    }

    /// Reads the version byte and insists on it.
    pub(crate) fn version(&mut self, wanted: u8) -> Result<(), Torn> {
        let found = u8::decode_from(self)?;
        if found == wanted { Ok(()) } else { Err(Torn::Version { found, wanted }) }
    }

    /// The next `len` bytes.
    pub(crate) fn slice(&mut self, len: usize) -> Result<Bytes, Torn> {
        if self.bytes.len() < len {
            return Err(Torn::Short);
        }
        Ok(self.bytes.split_to(len))
    }

    /// All that is left.
    pub(crate) fn rest(self) -> Bytes {
        self.bytes
    }

    /// Insists that nothing is left.
    pub(crate) fn end(&self) -> Result<(), Torn> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Torn::Long(self.bytes.len())) }
    }

    /// Reads a number of items, which cannot be more than there are bytes left for.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize, Torn> {
        let count = u32::decode_from(self)? as usize;
        match count.checked_mul(bytes_each) {
            Some(bytes) if bytes <= self.bytes.len() => Ok(count),
            _ => Err(Torn::Short),
        }
    }
}

/// Writes a number of items or bytes. Everything written here is far below 4 GiB.
pub(crate) fn put_len(len: usize, out: &mut Vec<u8>) {
    debug_assert!(u32::try_from(len).is_ok());
    out.extend_from_slice(&(len as u32).to_le_bytes());
}

impl Encode for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Decode for u8 {
    fn decode_from(reader: &mut Reader) -> Result<u8, Torn> {
        reader.bytes.try_get_u8().map_err(|_| Torn::Short)
    }
}

impl Encode for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Decode for bool {
    fn decode_from(reader: &mut Reader) -> Result<bool, Torn> {
        match u8::decode_from(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Torn::Wrong("a flag is neither 0 nor 1")),
        }
    }
}

impl Decode for u32 {
    fn decode_from(reader: &mut Reader) -> Result<u32, Torn> {
        reader.bytes.try_get_u32_le().map_err(|_| Torn::Short)
    }
}

impl Encode for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Decode for u64 {
    fn decode_from(reader: &mut Reader) -> Result<u64, Torn> {
        reader.bytes.try_get_u64_le().map_err(|_| Torn::Short)
    }
}

impl Encode for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        out.extend_from_slice(self);
    }
}

impl Decode for Bytes {
    fn decode_from(reader: &mut Reader) -> Result<Bytes, Torn> {
        let len = u32::decode_from(reader)? as usize;
        reader.slice(len)
    }
}

impl<T: Encode> Encode for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode_from(reader: &mut Reader) -> Result<Option<T>, Torn> {
        Ok(if bool::decode_from(reader)? { Some(T::decode_from(reader)?) } else { None })
    }
}

impl Encode for BTreeSet<u64> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        self.iter().for_each(|number| number.put(out));
    }
}

impl Decode for BTreeSet<u64> {
    fn decode_from(reader: &mut Reader) -> Result<BTreeSet<u64>, Torn> {
        let count = reader.count(8)?;
        (0..count).map(|_| u64::decode_from(reader)).collect()
    }
}

impl Encode for Vec<BTreeSet<u64>> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        self.iter().for_each(|set| set.put(out));
    }
}

impl Decode for Vec<BTreeSet<u64>> {
    fn decode_from(reader: &mut Reader) -> Result<Vec<BTreeSet<u64>>, Torn> {
        let count = reader.count(4)?;
        (0..count).map(|_| BTreeSet::decode_from(reader)).collect()
    }
}
