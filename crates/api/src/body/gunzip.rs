//! Decompression of a body as it comes in: never more than one buffer of its text at a time.

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Bytes of decompressed text that are handed on together.
const BUFFER: usize = 32 << 10;

/// Longest gzip header (it may hold names and comments).
const HEADER_MAX: usize = 64 << 10;

/// Bits of the header's flags.
const HAS_CRC: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

/// What is wrong with a gzip stream; the texts are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GzipError {
    /// It has no byte.
    Empty,
    /// It ends too soon.
    Truncated,
    /// It does not begin as gzip does.
    Header,
    /// Its text is not what was compressed.
    Checksum,
    /// It does not decompress.
    Corrupt,
}

impl GzipError {
    /// What the client is told.
    pub fn text(self) -> &'static str {
        match self {
            GzipError::Empty => "EOF",
            GzipError::Truncated => "unexpected EOF",
            GzipError::Header => "gzip: invalid header",
            GzipError::Checksum => "gzip: invalid checksum",
            GzipError::Corrupt => "flate: corrupt input",
        }
    }
}

enum Part {
    /// The header so far; the flag says that a member came before it.
    Header(Vec<u8>, bool),
    /// The compressed text.
    Text,
    /// The trailer so far.
    Trailer(Vec<u8>),
}

/// A gzip stream of any number of members.
pub struct Gunzip {
    part: Part,
    inflate: Decompress,
    crc: Crc,
    buffer: Box<[u8]>,
}

impl Gunzip {
    /// At the start of a stream.
    pub fn new() -> Gunzip {
        Gunzip {
            part: Part::Header(Vec::new(), false),
            inflate: Decompress::new(false),
            crc: Crc::new(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
        }
    }

    /// Takes a chunk, and hands on its text in pieces. `take` answers false to end it.
    pub fn feed(&mut self, mut chunk: &[u8], mut take: impl FnMut(&[u8]) -> bool) -> Result<(), GzipError> {
        while !chunk.is_empty() {
            chunk = match &mut self.part {
                Part::Header(bytes, _) => {
                    bytes.extend_from_slice(chunk);
                    match header_len(bytes)? {
                        Some(len) => {
                            let read = chunk.len() - (bytes.len() - len);
                            self.part = Part::Text;
                            &chunk[read..]
                        }
                        None if bytes.len() > HEADER_MAX => return Err(GzipError::Header),
                        None => return Ok(()),
                    }
                }
                Part::Text => match self.inflate(chunk, &mut take)? {
                    Some(rest) => rest,
                    None => return Ok(()),
                },
                Part::Trailer(bytes) => {
                    let read = chunk.len().min(8 - bytes.len());
                    bytes.extend_from_slice(&chunk[..read]);
                    if let [c0, c1, c2, c3, n0, n1, n2, n3] = bytes[..] {
                        let expected =
                            (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([n0, n1, n2, n3]));
                        if expected != (self.crc.sum(), self.crc.amount()) {
                            return Err(GzipError::Checksum);
                        }
                        self.part = Part::Header(Vec::new(), true);
                        self.inflate.reset(false);
                        self.crc.reset();
                    }
                    &chunk[read..]
                }
            };
        }
        Ok(())
    }

    /// Decompresses; what follows the compressed text comes back. `None`: it was ended.
    fn inflate<'c>(
        &mut self,
        mut chunk: &'c [u8],
        take: &mut impl FnMut(&[u8]) -> bool,
    ) -> Result<Option<&'c [u8]>, GzipError> {
        loop {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(chunk, &mut self.buffer, FlushDecompress::None)
                .map_err(|_| GzipError::Corrupt)?;
            let read = (self.inflate.total_in() - before_in) as usize;
            let written = (self.inflate.total_out() - before_out) as usize;
            chunk = &chunk[read..];
            let text = &self.buffer[..written];
            self.crc.update(text);
            if !text.is_empty() && !take(text) {
                return Ok(None);
            }
            if status == Status::StreamEnd {
                self.part = Part::Trailer(Vec::new());
                return Ok(Some(chunk));
            }
            // A full buffer may mean that more text waits, also when the chunk is used up.
            if written < self.buffer.len() && (chunk.is_empty() || (read == 0 && written == 0)) {
                return if chunk.is_empty() { Ok(Some(chunk)) } else { Err(GzipError::Corrupt) };
            }
        }
    }

    /// At the end of the body: whether the stream is complete.
    pub fn finish(&self) -> Result<(), GzipError> {
        match &self.part {
            Part::Header(bytes, true) if bytes.is_empty() => Ok(()),
            Part::Header(bytes, false) if bytes.is_empty() => Err(GzipError::Empty),
            _ => Err(GzipError::Truncated),
        }
    }
}

/// Length of the header, once all of it is there.
fn header_len(bytes: &[u8]) -> Result<Option<usize>, GzipError> {
    let magic = [0x1f, 0x8b, 8];
    if bytes.iter().zip(magic).any(|(byte, expected)| *byte != expected) && bytes.len() >= 10 {
        return Err(GzipError::Header);
    }
    let Some(&flags) = bytes.get(3).filter(|_| bytes.len() >= 10) else { return Ok(None) };
    let mut at = 10;
    if flags & HAS_EXTRA != 0 {
        let Some(len) = bytes.get(at..at + 2) else { return Ok(None) };
        at += 2 + usize::from(u16::from_le_bytes([len[0], len[1]]));
    }
    for flag in [HAS_NAME, HAS_COMMENT] {
        if flags & flag != 0 {
            let text = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0));
            let Some(len) = text else { return Ok(None) };
            at += len + 1;
        }
    }
    if flags & HAS_CRC != 0 {
        at += 2;
    }
    Ok((at <= bytes.len()).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let builder = GzBuilder::new().filename("name").comment("why").extra(vec![1, 2, 3]);
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    fn gunzip(bytes: &[u8], chunk: usize) -> Result<Vec<u8>, GzipError> {
        let mut gunzip = Gunzip::new();
        let mut out = Vec::new();
        for chunk in bytes.chunks(chunk.max(1)) {
            gunzip.feed(chunk, |text| {
                out.extend_from_slice(text);
                true
            })?;
        }
        gunzip.finish().map(|()| out)
    }

    #[test]
    fn mistakes() {
        let good = gzip(b"m v=1");
        let mut bad = good.clone();
        let last = bad.len() - 1;
        bad[last - 5] ^= 1;
        assert_eq!(gunzip(&bad, 7), Err(GzipError::Checksum));
        assert_eq!(gunzip(b"", 7), Err(GzipError::Empty));
        assert_eq!(gunzip(b"m v=1 1", 7), Err(GzipError::Truncated));
        assert_eq!(gunzip(b"m v=1 1234567", 7), Err(GzipError::Header));
        for len in 1..good.len() {
            assert_eq!(gunzip(&good[..len], 3), Err(GzipError::Truncated), "{len}");
        }
        let mut trailing = good.clone();
        trailing.extend_from_slice(b"rubbish that is no member");
        assert_eq!(gunzip(&trailing, 1000), Err(GzipError::Header));
    }

    #[test]
    fn a_bomb_can_be_ended() {
        let bomb = gzip(&vec![b'x'; 64 << 20]);
        let mut seen = 0;
        let mut gunzip = Gunzip::new();
        gunzip
            .feed(&bomb, |text| {
                seen += text.len();
                seen < 1 << 20
            })
            .expect("it is gzip");
        assert!(seen <= (1 << 20) + BUFFER, "{seen}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_in_any_chunks(text in proptest::collection::vec(0u8..4, 0..100_000), chunk in 1usize..5000, members in 1usize..3) {
            let mut bytes = Vec::new();
            for _ in 0..members {
                bytes.extend(gzip(&text));
            }
            proptest::prop_assert_eq!(gunzip(&bytes, chunk).expect("gzip"), text.repeat(members));
        }

        #[test]
        fn rubbish_is_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), chunk in 1usize..50) {
            let _ = gunzip(&bytes, chunk);
            let mut after_header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
            after_header.extend(bytes);
            let _ = gunzip(&after_header, chunk);
        }
    }
}
