//! Keyed state in RocksDB: what is small, or is looked up by key. Votes and purge points of the
//! control group, the catalog, alert state, checkpoints.

mod batch;
mod options;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rocksdb::{ColumnFamily, DB, DBRawIterator, ErrorKind, ReadOptions, WriteBatch, WriteOptions};

use self::batch::Change;
pub use self::batch::{Batch, Family};
use crate::error::{Error, Result};
use crate::files;

/// An open RocksDB. Usable from any number of threads; dropping it closes the files.
pub struct State {
    path: PathBuf,
    db: DB,
}

impl State {
    /// Opens the state in the folder `dir`, creating it when missing.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it open, [`Error::Corrupt`] when its files are
    /// damaged, [`Error::DiskFull`], or [`Error::State`] with RocksDB's own words.
    pub fn open(dir: impl AsRef<Path>) -> Result<State> {
        let path = dir.as_ref().to_owned();
        files::create_dir(&path)?;
        let families = Family::ALL.map(|family| (family.name(), options::family()));
        match DB::open_cf_with_opts(&options::database(), &path, families) {
            Ok(db) => Ok(State { path, db }),
            Err(error) => Err(translate("open", &path, 0, error)),
        }
    }

    /// Writes all of the batch or nothing. With `durable` it is on the platter on return, which
    /// blocks for a flush; otherwise it survives the death of the process but not a power cut.
    ///
    /// # Errors
    /// [`Error::DiskFull`] (writing resumes some seconds after space returns), [`Error::Corrupt`],
    /// or [`Error::State`].
    pub fn write(&self, batch: Batch, durable: bool) -> Result<()> {
        let bytes = batch.bytes() as u64;
        let mut writes = WriteBatch::default();
        for (family, change) in batch.into_changes() {
            let handle = self.handle(family)?;
            match change {
                Change::Put(key, value) => writes.put_cf(handle, key, value),
                Change::Delete(key) => writes.delete_cf(handle, key),
                Change::DeletePrefix(prefix) => {
                    self.delete_prefix_in(&mut writes, family, &prefix)?;
                }
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        self.db
            .write_opt(writes, &options)
            .map_err(|error| translate("write to", &self.path, bytes, error))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::State`].
    pub fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.db
            .get_cf(self.handle(family)?, key)
            .map_err(|error| translate("read", &self.path, 0, error))
    }

    /// Calls `each` with every key that starts with `prefix` and its value, in the order of the keys,
    /// as they are when the scan starts.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::State`].
    pub fn scan(
        &self,
        family: Family,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<()> {
        self.scan_from(family, prefix, prefix, |key, value| {
            each(key, value);
            ControlFlow::Continue(())
        })
    }

    /// As [`State::scan`], but starts at the key `from` and ends when `each` breaks.
    ///
    /// # Errors
    /// As [`State::scan`].
    pub fn scan_from(
        &self,
        family: Family,
        prefix: &[u8],
        from: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut options = ReadOptions::default();
        if let Some(end) = batch::end_of(prefix) {
            options.set_iterate_upper_bound(end);
        }
        let mut cursor: DBRawIterator<'_> =
            self.db.raw_iterator_cf_opt(self.handle(family)?, options);
        cursor.seek(from.max(prefix));
        while let Some((key, value)) = cursor.item() {
            if each(key, value).is_break() {
                return Ok(());
            }
            cursor.next();
        }
        cursor
            .status()
            .map_err(|error| translate("read", &self.path, 0, error))
    }

    /// Deletes every key that starts with `prefix`.
    ///
    /// # Errors
    /// As [`State::write`].
    pub fn delete_prefix(&self, family: Family, prefix: &[u8], durable: bool) -> Result<()> {
        let mut batch = Batch::new();
        batch.delete_prefix(family, prefix);
        self.write(batch, durable)
    }

    /// Puts everything written so far on the platter. Blocks for a flush.
    ///
    /// # Errors
    /// As [`State::write`].
    pub fn flush(&self) -> Result<()> {
        self.db
            .flush_wal(true)
            .map_err(|error| translate("flush", &self.path, 0, error))
    }

    /// Bytes that RocksDB holds in memory: memtables, cached blocks and table readers.
    pub fn memory_bytes(&self) -> u64 {
        let mut bytes = self.property(None, "rocksdb.block-cache-usage");
        for family in Family::ALL {
            for name in [
                "rocksdb.cur-size-all-mem-tables",
                "rocksdb.estimate-table-readers-mem",
            ] {
                bytes += self.property(Some(family), name);
            }
        }
        bytes
    }

    /// Bytes that the tables take on disk, the write-ahead log not counted.
    pub fn disk_bytes(&self) -> u64 {
        let size = |family| self.property(Some(family), "rocksdb.total-sst-files-size");
        Family::ALL.into_iter().map(size).sum()
    }

    fn property(&self, family: Option<Family>, name: &str) -> u64 {
        let handle = self.handle(family.unwrap_or(Family::Control));
        // A statistic that RocksDB does not know is left out rather than reported as a failure.
        let value = handle
            .ok()
            .and_then(|cf| self.db.property_int_value_cf(cf, name).ok());
        value.flatten().unwrap_or(0)
    }

    fn delete_prefix_in(
        &self,
        writes: &mut WriteBatch,
        family: Family,
        prefix: &[u8],
    ) -> Result<()> {
        let handle = self.handle(family)?;
        match batch::end_of(prefix) {
            Some(end) => writes.delete_range_cf(handle, prefix, end.as_slice()),
            // No key lies behind a prefix of 0xff bytes, and none behind the empty prefix, so there
            // is no end to name: the keys are named one by one.
            None => self.scan(family, prefix, |key, _| writes.delete_cf(handle, key))?,
        }
        Ok(())
    }

    fn handle(&self, family: Family) -> Result<&ColumnFamily> {
        self.db
            .cf_handle(family.name())
            .ok_or_else(|| Error::State {
                operation: "find a column family of",
                path: self.path.clone(),
                message: format!("there is no {:?}", family.name()),
            })
    }
}

/// Sorts RocksDB's errors by what an operator has to do.
fn translate(operation: &'static str, path: &Path, needed: u64, error: rocksdb::Error) -> Error {
    let kind = error.kind();
    let message = error.into_string();
    let path = path.to_owned();
    let lower = message.to_lowercase();
    if lower.contains("no space") || lower.contains("quota exceeded") {
        return Error::DiskFull { path, needed };
    }
    if lower.contains("lock file") || lower.contains("lock hold by") {
        return Error::Locked { path, pid: None };
    }
    if kind == ErrorKind::Corruption {
        return Error::Corrupt {
            path,
            offset: 0,
            reason: message,
        };
    }
    Error::State {
        operation,
        path,
        message,
    }
}
