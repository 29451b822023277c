//! Vectors of numbers as bytes.

use super::CodecError;
use super::read::Reader;

const RAW: u8 = 0;
const REPEATED: u8 = 1;
const OFFSETS_8: u8 = 2;
const OFFSETS_16: u8 = 3;
const OFFSETS_32: u8 = 4;
const STEPS: u8 = 5;

/// Values that one repetition can stand for: bounds what few bytes can make of memory.
const REPEAT_MAX: usize = 64;

/// Bytes of one repetition: a count and a value.
const REPEAT_BYTES: usize = 9;

/// Values of 64 bits.
pub(super) trait Word: Copy + PartialEq {
    fn bits(self) -> u64;
    fn of(bits: u64) -> Self;
}

impl Word for i64 {
    fn bits(self) -> u64 {
        self as u64
    }

    fn of(bits: u64) -> i64 {
        bits as i64
    }
}

impl Word for f64 {
    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn of(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
}

/// Writes floats: repeated or raw.
pub(super) fn put_floats(values: &[f64], out: &mut Vec<u8>) {
    if repeated_len(values) < values.len() * 8 {
        return put_repeated(values, out);
    }
    out.push(RAW);
    put_words(values, out);
}

/// Writes integers in the shortest way.
pub(super) fn put_ints(values: &[i64], out: &mut Vec<u8>) {
    let low = values.iter().copied().min().unwrap_or(0);
    let high = values.iter().copied().max().unwrap_or(0);
    let width = match high.wrapping_sub(low) as u64 {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    if repeated_len(values) < values.len() * width {
        return put_repeated(values, out);
    }
    let offsets = values.iter().map(|v| v.wrapping_sub(low));
    match width {
        1 => put_offsets(OFFSETS_8, &low.to_le_bytes(), offsets.map(|v| [v as u8]), out),
        2 => put_offsets(OFFSETS_16, &low.to_le_bytes(), offsets.map(|v| (v as u16).to_le_bytes()), out),
        4 => put_offsets(OFFSETS_32, &low.to_le_bytes(), offsets.map(|v| (v as u32).to_le_bytes()), out),
        _ => {
            out.push(RAW);
            put_words(values, out);
        }
    }
}

/// Writes small numbers in the shortest way.
pub(super) fn put_numbers(values: &[u32], out: &mut Vec<u8>) {
    let low = values.iter().copied().min().unwrap_or(0);
    let range = values.iter().copied().max().unwrap_or(0) - low;
    let offsets = values.iter().map(|v| v - low);
    if range <= 0xff {
        return put_offsets(OFFSETS_8, &low.to_le_bytes(), offsets.map(|v| [v as u8]), out);
    }
    // Steps wrap, so that a step down shows as a large one.
    let step = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).max().unwrap_or(0);
    if step <= 0xff {
        let first = values.first().copied().unwrap_or(0);
        let mut last = first;
        let steps = values.iter().map(|&v| [(v.wrapping_sub(std::mem::replace(&mut last, v))) as u8]);
        return put_offsets(STEPS, &first.to_le_bytes(), steps, out);
    }
    if range <= 0xffff {
        return put_offsets(OFFSETS_16, &low.to_le_bytes(), offsets.map(|v| (v as u16).to_le_bytes()), out);
    }
    put_offsets(RAW, &[], values.iter().map(|v| v.to_le_bytes()), out);
}

fn put_offsets<const N: usize>(
    mode: u8,
    base: &[u8],
    offsets: impl ExactSizeIterator<Item = [u8; N]>,
    out: &mut Vec<u8>,
) {
    out.push(mode);
    out.extend_from_slice(base);
    let start = out.len();
    out.resize(start + offsets.len() * N, 0);
    for (to, offset) in out[start..].chunks_exact_mut(N).zip(offsets) {
        to.copy_from_slice(&offset);
    }
}

fn put_words<T: Word>(values: &[T], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + values.len() * 8, 0);
    for (to, value) in out[start..].chunks_exact_mut(8).zip(values) {
        to.copy_from_slice(&value.bits().to_le_bytes());
    }
}

/// At most the bytes that [`put_repeated`] writes.
fn repeated_len<T: Word>(values: &[T]) -> usize {
    let changes = values.windows(2).filter(|pair| pair[0].bits() != pair[1].bits()).count();
    (1 + changes + values.len() / REPEAT_MAX) * REPEAT_BYTES
}

fn put_repeated<T: Word>(values: &[T], out: &mut Vec<u8>) {
    out.push(REPEATED);
    for run in values.chunk_by(|a, b| a.bits() == b.bits()) {
        for part in run.chunks(REPEAT_MAX) {
            out.push(part.len() as u8);
            out.extend_from_slice(&part[0].bits().to_le_bytes());
        }
    }
}

/// Reads `len` floats.
pub(super) fn floats(reader: &mut Reader<'_>, len: usize) -> Result<Vec<f64>, CodecError> {
    match reader.byte()? {
        RAW => words(reader, len),
        REPEATED => repeated(reader, len),
        _ => Err(CodecError::Invalid("float packing")),
    }
}

/// Reads `len` integers.
pub(super) fn ints(reader: &mut Reader<'_>, len: usize) -> Result<Vec<i64>, CodecError> {
    let mode = reader.byte()?;
    match mode {
        RAW => return words(reader, len),
        REPEATED => return repeated(reader, len),
        _ => {}
    }
    let low = i64::from_le_bytes(reader.array()?);
    let offset = |v: u32| low.wrapping_add(i64::from(v));
    match mode {
        OFFSETS_8 => Ok(reader.take(len)?.iter().map(|&v| offset(v.into())).collect()),
        OFFSETS_16 => Ok(arrays(reader, len)?.map(|b| offset(u16::from_le_bytes(b).into())).collect()),
        OFFSETS_32 => Ok(arrays(reader, len)?.map(|b| offset(u32::from_le_bytes(b))).collect()),
        _ => Err(CodecError::Invalid("integer packing")),
    }
}

/// Reads `len` small numbers. Each takes a byte at least.
pub(super) fn numbers(reader: &mut Reader<'_>, len: usize) -> Result<Vec<u32>, CodecError> {
    let mode = reader.byte()?;
    if mode == RAW {
        return Ok(arrays(reader, len)?.map(u32::from_le_bytes).collect());
    }
    let low = u32::from_le_bytes(reader.array()?);
    match mode {
        OFFSETS_8 => Ok(reader.take(len)?.iter().map(|&v| low.wrapping_add(v.into())).collect()),
        OFFSETS_16 => {
            Ok(arrays(reader, len)?.map(|b| low.wrapping_add(u16::from_le_bytes(b).into())).collect())
        }
        STEPS => {
            let mut last = low;
            let mut step = |&v: &u8| {
                last = last.wrapping_add(v.into());
                last
            };
            Ok(reader.take(len)?.iter().map(&mut step).collect())
        }
        _ => Err(CodecError::Invalid("number packing")),
    }
}

/// The next `len` values of `N` bytes.
fn arrays<'a, const N: usize>(
    reader: &mut Reader<'a>,
    len: usize,
) -> Result<impl ExactSizeIterator<Item = [u8; N]> + use<'a, N>, CodecError> {
    let bytes = reader.take(len.checked_mul(N).ok_or(CodecError::Truncated)?)?;
    Ok(bytes.as_chunks::<N>().0.iter().copied())
}

/// Reads `len` values that were written as they are.
pub(super) fn words<T: Word>(reader: &mut Reader<'_>, len: usize) -> Result<Vec<T>, CodecError> {
    Ok(arrays(reader, len)?.map(|b| T::of(u64::from_le_bytes(b))).collect())
}

fn repeated<T: Word>(reader: &mut Reader<'_>, len: usize) -> Result<Vec<T>, CodecError> {
    // Looked at before anything is allocated: so many repetitions must be there.
    if reader.remaining() < len.div_ceil(REPEAT_MAX) * REPEAT_BYTES {
        return Err(CodecError::Truncated);
    }
    let mut values = Vec::with_capacity(len);
    while values.len() < len {
        let count = usize::from(reader.byte()?);
        let value = T::of(u64::from_le_bytes(reader.array()?));
        if count == 0 || count > REPEAT_MAX.min(len - values.len()) {
            return Err(CodecError::Invalid("repetition"));
        }
        values.resize(values.len() + count, value);
    }
    Ok(values)
}

/// Writes 64-bit words as they are.
pub(super) fn put_mask_words(words: &[u64], out: &mut Vec<u8>) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}
