//! Small files written so that a power cut leaves either the old or the new content.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::{Error, Result};

/// Makes the names inside a folder (creations, renames, removals) survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|source| Error::io("flush the folder", dir, 0, source))
}

/// Replaces `path` by `content` in one step: a temporary neighbour is written, flushed and renamed.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    if let Err(source) = written {
        // The leftover is harmless, and the write's own error is the one worth reporting.
        let _ = fs::remove_file(&temporary);
        return Err(Error::io("write", path, content.len() as u64, source));
    }
    fs::rename(&temporary, path).map_err(|source| Error::io("rename", path, 0, source))?;
    match path.parent() {
        Some(dir) => sync_dir(dir),
        None => Ok(()),
    }
}

/// The text of a file, or `None` when there is no such file.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::io("read", path, 0, source)),
    }
}

/// Creates a folder and those above it.
pub(crate) fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::io("create the folder", path, 0, source))
}

/// Bytes that an ordinary process may still write to the file system of `path`.
#[allow(clippy::useless_conversion, reason = "the fields are narrower on other systems")]
pub(crate) fn free_bytes(path: &Path) -> Result<u64> {
    let failed = |source| Error::io("measure the free space of", path, 0, source);
    let name =
        CString::new(path.as_os_str().as_bytes()).map_err(|error| failed(std::io::Error::other(error)))?;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `name` ends in a zero byte and `answer` has room for what the call writes.
    if unsafe { libc::statvfs(name.as_ptr(), answer.as_mut_ptr()) } != 0 {
        return Err(failed(std::io::Error::last_os_error()));
    }
    // SAFETY: the call succeeded, so all of `answer` is written.
    let answer = unsafe { answer.assume_init() };
    Ok(u64::from(answer.f_bavail).saturating_mul(u64::from(answer.f_frsize)))
}
