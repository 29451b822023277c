//! The folder that belongs to one member: lock, layout version, identity files and sub-folders.
//!
//! A folder that Kapacitor has used is accepted, so that a user changes nothing but the binary:
//! `cluster.id` and `server.id` are honoured and its other files are left alone.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;

/// The version of the layout on disk that this build reads and writes.
pub const LAYOUT_VERSION: u32 = 1;

const LOCK: &str = "LOCK";
const FORMAT: &str = "FORMAT";
const FORMAT_NAME: &str = "farad";

/// What may lie in the folder before this server has used it: Kapacitor's own files, the root of a
/// mounted volume, and what a start that was cut short leaves behind.
const ACCEPTED: &[&str] = &[
    "cluster.id",
    "server.id",
    "kapacitor.db",
    "kapacitor.db.lock",
    "replay",
    "tasks",
    "templates",
    "handlers",
    "load",
    "lost+found",
    LOCK,
    "FORMAT.tmp",
    "cluster.tmp",
    "server.tmp",
];

/// An open, exclusively locked data directory. Dropping it releases the lock.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // Held for its lock: the kernel releases it when the file is closed, also when we are killed.
    _lock: File,
}

impl DataDir {
    /// Opens `path`, creating it when missing, and takes its lock.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process uses it, [`Error::NotOurs`] when it holds files of
    /// something else, [`Error::Version`] for another layout, [`Error::Io`] and
    /// [`Error::DiskFull`] from the operating system.
    pub fn open(path: impl AsRef<Path>) -> Result<DataDir> {
        let path = path.as_ref();
        files::create_dir(path)?;
        let format = path.join(FORMAT);
        // Looked at before LOCK is made, so that a foreign folder is left exactly as it was.
        if files::read_text(&format)?.is_none() {
            refuse_foreign(path)?;
        }
        let lock = take_lock(path)?;
        check_format(&format)?;
        Ok(DataDir { path: path.to_owned(), _lock: lock })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the segment log lives.
    pub fn log_dir(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Where RocksDB lives.
    pub fn state_dir(&self) -> PathBuf {
        self.path.join("state")
    }

    /// The trimmed text of the small file `name` (such as `cluster.id`); when the file is missing or
    /// blank, `default` is written durably and returned.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::DiskFull`]; also when `name` is not a plain file name.
    pub fn read_or_create(&self, name: &str, default: &str) -> Result<String> {
        let path = self.path.join(name);
        if Path::new(name).file_name() != Some(OsStr::new(name)) {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a file name");
            return Err(Error::io("open", &path, 0, source));
        }
        match files::read_text(&path)? {
            Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => {
                files::replace(&path, default.as_bytes())?;
                Ok(default.to_owned())
            }
        }
    }
}

fn refuse_foreign(path: &Path) -> Result<()> {
    let failed = |source| Error::io("list", path, 0, source);
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !ACCEPTED.iter().any(|accepted| name == *accepted) {
            let entry = name.to_string_lossy().into_owned();
            return Err(Error::NotOurs { path: path.to_owned(), entry });
        }
    }
    Ok(())
}

fn take_lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| Error::io("open", &path, 0, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The process id is a courtesy; without it the error still says what is wrong.
            let _ = file.read_to_string(&mut text);
            return Err(Error::Locked { path: dir.to_owned(), pid: text.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(Error::io("lock", &path, 0, source)),
    }
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|source| Error::io("write", &path, 16, source))?;
    Ok(file)
}

fn check_format(path: &Path) -> Result<()> {
    let expected = format!("{FORMAT_NAME} {LAYOUT_VERSION}");
    match files::read_text(path)? {
        None => files::replace(path, format!("{expected}\n").as_bytes()),
        Some(text) if text.trim() == expected => Ok(()),
        Some(text) => {
            let text = text.trim();
            let found = text.strip_prefix(FORMAT_NAME).unwrap_or(text).trim().to_owned();
            Err(Error::Version { path: path.to_owned(), found, wanted: LAYOUT_VERSION })
        }
    }
}
