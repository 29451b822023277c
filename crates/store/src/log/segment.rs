//! One segment file: made under another name, flushed, and only then given its number, so that a
//! file with a number always has a whole header.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::format::{self, SEGMENT_HEADER, SegmentHeader};
use crate::error::{Error, Result};
use crate::files;

const SUFFIX: &str = ".seg";
const SPARE_PREFIX: &str = "spare-";

/// A segment open for reading and writing.
#[derive(Debug)]
pub(crate) struct Segment {
    pub number: u32,
    pub salt: u64,
    pub path: PathBuf,
    pub file: File,
}

/// The path of the segment with this number.
pub(crate) fn path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:010}{SUFFIX}"))
}

/// The path of a freed segment that waits to be used again.
pub(crate) fn spare_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{SPARE_PREFIX}{number:010}"))
}

impl Segment {
    /// Makes segment `number` with `size` bytes, out of the freed file `spare` when there is one.
    pub(crate) fn create(
        dir: &Path,
        number: u32,
        size: u64,
        disk: &Disk,
        spare: Option<PathBuf>,
    ) -> Result<Segment> {
        let temporary = spare.unwrap_or_else(|| spare_path(dir, number));
        let salt = random();
        match fill(&temporary, number, salt, size, disk) {
            Ok(file) => {
                let path = path_of(dir, number);
                fs::rename(&temporary, &path).map_err(|source| Error::io("rename", &path, 0, source))?;
                files::sync_dir(dir)?;
                Ok(Segment { number, salt, path, file })
            }
            Err(source) => {
                // Half a file is worth nothing, and its space may be what others are waiting for.
                let _ = fs::remove_file(&temporary);
                Err(Error::io("create", &path_of(dir, number), size, source))
            }
        }
    }

    /// Opens an existing segment and checks its header.
    pub(crate) fn open(dir: &Path, number: u32) -> Result<Segment> {
        let path = path_of(dir, number);
        let failed = |source| Error::io("open", &path, 0, source);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let mut bytes = [0u8; SEGMENT_HEADER as usize];
        if file.metadata().map_err(failed)?.len() < SEGMENT_HEADER {
            return Err(Error::corrupt(&path, 0, "the segment is shorter than its header"));
        }
        file.read_exact_at(&mut bytes, 0).map_err(failed)?;
        match format::decode_segment(&bytes) {
            SegmentHeader::Ours { number: own, salt } if own == number => {
                Ok(Segment { number, salt, path, file })
            }
            SegmentHeader::Ours { number: own, .. } => {
                let reason = format!("the segment says that it is number {own}");
                Err(Error::corrupt(&path, 0, reason))
            }
            SegmentHeader::Version(found) => {
                Err(Error::Version { path, found: found.to_string(), wanted: format::VERSION })
            }
            SegmentHeader::Damaged => Err(Error::corrupt(&path, 0, "the header of the segment is damaged")),
        }
    }

    /// The length of the file in bytes.
    pub(crate) fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        metadata.map(|m| m.len()).map_err(|source| Error::io("read", &self.path, 0, source))
    }

    /// Makes everything from `offset` on read as zeros again, and gives the file `size` bytes.
    pub(crate) fn cut(&self, offset: u64, size: u64, disk: &Disk) -> Result<()> {
        let failed = |source| Error::io("truncate", &self.path, size, source);
        self.file.set_len(offset).map_err(failed)?;
        if disk.allocate(&self.file, size).is_err() {
            // No space to promise: the bytes are asked for again when they are written.
            self.file.set_len(size).map_err(failed)?;
        }
        Ok(())
    }
}

fn fill(path: &Path, number: u32, salt: u64, size: u64, disk: &Disk) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() != size {
        file.set_len(0)?;
        disk.allocate(&file, size)?;
    }
    let header = format::encode_segment(number, salt);
    disk.write(&file, &mut [IoSlice::new(&header)], 0)?;
    file.sync_all()?;
    Ok(file)
}

/// The numbers of the segments in the folder, ascending; what half-made files were left is removed.
pub(crate) fn list(dir: &Path) -> Result<Vec<u32>> {
    let failed = |source| Error::io("list", dir, 0, source);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(SPARE_PREFIX) {
            let path = dir.join(name);
            fs::remove_file(&path).map_err(|source| Error::io("remove", &path, 0, source))?;
        } else if let Some(number) = name.strip_suffix(SUFFIX).and_then(|n| n.parse().ok()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        if pair[0] + 1 != pair[1] {
            let path = path_of(dir, pair[0] + 1);
            return Err(Error::corrupt(&path, 0, "the segment is missing"));
        }
    }
    Ok(numbers)
}

/// 64 random bits from the process's hash keys: enough to tell segments apart, and nothing that a
/// client can guess.
fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u128(std::time::UNIX_EPOCH.elapsed().map_or(0, |d| d.as_nanos()));
    hasher.finish()
}
