//! Walks the records of one segment from its headers, without holding the segment in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::format::{Header, RECORD_HEADER, SEGMENT_HEADER};

/// Bytes read at once while records are small.
const WINDOW: usize = 256 * 1024;
/// Bytes read at once while records are large: only the header is wanted.
const PEEK: usize = 4 * 1024;
/// From this payload size on a record counts as large.
const LARGE: u32 = 32 * 1024;

/// A walk over one segment.
pub(crate) struct Scanner<'a> {
    file: &'a File,
    salt: u64,
    /// The length of the file.
    len: u64,
    /// Where the next header is expected.
    at: u64,
    window: Vec<u8>,
    window_at: u64,
    reach: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at the first record.
    pub(crate) fn new(file: &'a File, salt: u64, len: u64) -> Scanner<'a> {
        let (window, window_at) = (Vec::new(), 0);
        Scanner { file, salt, len, at: SEGMENT_HEADER, window, window_at, reach: WINDOW }
    }

    /// Where the next header is expected: behind the last record that was returned.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next record and its offset, or `None` when no whole record starts here.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, Header)>> {
        let offset = self.at;
        let Some(header) = self.header(offset)? else {
            return Ok(None);
        };
        self.at = offset + header.size();
        self.reach = if header.len >= LARGE { PEEK } else { WINDOW };
        Ok(Some((offset, header)))
    }

    /// Moves to the first whole record behind the current place; false when there is none.
    pub(crate) fn resync(&mut self) -> io::Result<bool> {
        self.reach = WINDOW;
        let mut offset = self.at + 8;
        while offset + RECORD_HEADER as u64 <= self.len {
            if self.header(offset)?.is_some() {
                self.at = offset;
                return Ok(true);
            }
            offset += 8;
        }
        Ok(false)
    }

    /// Whether the payload of a record is what its header says.
    pub(crate) fn payload_is_whole(&self, offset: u64, header: &Header) -> io::Result<bool> {
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0u8; WINDOW.min(header.len as usize)];
        let mut at = offset + RECORD_HEADER as u64;
        let mut rest = header.len as usize;
        while rest > 0 {
            let step = rest.min(buffer.len());
            self.file.read_exact_at(&mut buffer[..step], at)?;
            hasher.update(&buffer[..step]);
            at += step as u64;
            rest -= step;
        }
        Ok(hasher.finalize() == header.payload_crc)
    }

    /// The payload of a record, or `None` when it is not what its header says.
    pub(crate) fn payload(&self, offset: u64, header: &Header) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0u8; header.len as usize];
        self.file.read_exact_at(&mut bytes, offset + RECORD_HEADER as u64)?;
        Ok((crc32fast::hash(&bytes) == header.payload_crc).then_some(bytes))
    }

    fn header(&mut self, offset: u64) -> io::Result<Option<Header>> {
        if offset + RECORD_HEADER as u64 > self.len {
            return Ok(None);
        }
        let inside = offset >= self.window_at
            && offset + RECORD_HEADER as u64 <= self.window_at + self.window.len() as u64;
        if !inside {
            self.load(offset)?;
        }
        let start = (offset - self.window_at) as usize;
        let bytes = self.window[start..start + RECORD_HEADER].try_into().expect("forty bytes");
        let header = Header::decode(bytes, self.salt, offset);
        Ok(header.filter(|header| offset + header.size() <= self.len))
    }

    fn load(&mut self, offset: u64) -> io::Result<()> {
        let size = (self.len - offset).min(self.reach as u64) as usize;
        self.window.resize(size, 0);
        self.window_at = offset;
        self.file.read_exact_at(&mut self.window, offset)
    }
}
