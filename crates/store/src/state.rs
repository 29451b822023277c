//! Keyed state in RocksDB: what is small, or is looked up by key. Votes and purge points of the
//! control group, the catalog, alert state, checkpoints.

mod batch;
mod options;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rocksdb::{ColumnFamily, DB, DBRawIterator, ErrorKind, ReadOptions, WriteBatch, WriteOptions};

use self::batch::Change;
pub use self::batch::{Batch, Family};
use crate::error::{Error, Result};
use crate::files;

/// An open RocksDB. Usable from any number of threads; dropping it closes the files.
pub struct State {
    path: PathBuf,
    /// Always there, but for the moment in which it is opened anew (and after a failure of that,
    /// until it succeeds).
    db: Mutex<Option<Arc<DB>>>,
    /// A write met a full disk: RocksDB refuses all writes from then on until it is opened anew.
    full: AtomicBool,
}

/// Free space below which opening RocksDB anew would only fail again.
const FREE_MIN: u64 = 8 << 20;

impl State {
    /// Opens the state in the folder `dir`, creating it when missing.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it open, [`Error::Corrupt`] when its files are
    /// damaged, [`Error::DiskFull`], or [`Error::State`] with RocksDB's own words.
    pub fn open(dir: impl AsRef<Path>) -> Result<State> {
        let path = dir.as_ref().to_owned();
        files::create_dir(&path)?;
        let db = Mutex::new(Some(Arc::new(open_db(&path)?)));
        Ok(State { path, db, full: AtomicBool::new(false) })
    }

    /// The database, opened anew when that failed before.
    fn db(&self) -> Result<Arc<DB>> {
        let mut db = self.db.lock();
        match &*db {
            Some(db) => Ok(Arc::clone(db)),
            None => Ok(Arc::clone(db.insert(Arc::new(open_db(&self.path)?)))),
        }
    }

    /// Opens the database anew once there is space for `needed` bytes, since RocksDB does not get
    /// over a full disk by itself.
    fn recover(&self, needed: u64) -> Result<()> {
        let full = || Error::DiskFull { path: self.path.clone(), needed };
        let free = files::free_bytes(&self.path)?;
        if free < FREE_MIN.max(needed.saturating_mul(2)) {
            return Err(full());
        }
        let mut db = self.db.lock();
        if !self.full.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(open) = db.take() {
            // Somebody still reads from it: the next write tries again.
            if let Err(used) = Arc::try_unwrap(open).map(drop) {
                *db = Some(used);
                return Err(full());
            }
        }
        *db = Some(Arc::new(open_db(&self.path)?));
        self.full.store(false, Ordering::SeqCst);
        tracing::info!(path = %self.path.display(), "space is back, the state takes writes again");
        Ok(())
    }

    /// Writes all of the batch or nothing. With `durable` it is on the platter on return, which
    /// blocks for a flush; otherwise it survives the death of the process but not a power cut.
    ///
    /// # Errors
    /// [`Error::DiskFull`] (the first write after space has returned succeeds), [`Error::Corrupt`],
    /// or [`Error::State`].
    pub fn write(&self, batch: Batch, durable: bool) -> Result<()> {
        let bytes = batch.bytes() as u64;
        if self.full.load(Ordering::SeqCst) {
            self.recover(bytes)?;
        }
        let db = self.db()?;
        let mut writes = WriteBatch::default();
        for (family, change) in batch.into_changes() {
            let handle = self.handle(&db, family)?;
            match change {
                Change::Put(key, value) => writes.put_cf(handle, key, value),
                Change::Delete(key) => writes.delete_cf(handle, key),
                Change::DeletePrefix(prefix) => {
                    self.delete_prefix_in(&db, &mut writes, family, &prefix)?;
                }
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        db.write_opt(writes, &options).map_err(|error| {
            let error = translate("write to", &self.path, bytes, error);
            if matches!(error, Error::DiskFull { .. }) {
                self.full.store(true, Ordering::SeqCst);
            }
            error
        })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::State`].
    pub fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let db = self.db()?;
        db.get_cf(self.handle(&db, family)?, key).map_err(|error| translate("read", &self.path, 0, error))
    }

    /// Calls `each` with every key that starts with `prefix` and its value, in the order of the keys,
    /// as they are when the scan starts.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::State`].
    pub fn scan(&self, family: Family, prefix: &[u8], mut each: impl FnMut(&[u8], &[u8])) -> Result<()> {
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
        let db = self.db()?;
        let mut cursor: DBRawIterator<'_> = db.raw_iterator_cf_opt(self.handle(&db, family)?, options);
        cursor.seek(from.max(prefix));
        while let Some((key, value)) = cursor.item() {
            if each(key, value).is_break() {
                return Ok(());
            }
            cursor.next();
        }
        cursor.status().map_err(|error| translate("read", &self.path, 0, error))
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
        self.db()?.flush_wal(true).map_err(|error| translate("flush", &self.path, 0, error))
    }

    /// Bytes that RocksDB holds in memory: memtables, cached blocks and table readers.
    pub fn memory_bytes(&self) -> u64 {
        let mut bytes = self.property(None, "rocksdb.block-cache-usage");
        for family in Family::ALL {
            for name in ["rocksdb.cur-size-all-mem-tables", "rocksdb.estimate-table-readers-mem"] {
                bytes += self.property(Some(family), name);
            }
        }
        bytes
    }

    fn property(&self, family: Option<Family>, name: &str) -> u64 {
        // A statistic that cannot be read is left out rather than reported as a failure.
        let Ok(db) = self.db() else { return 0 };
        let handle = self.handle(&db, family.unwrap_or(Family::Control));
        let value = handle.ok().and_then(|cf| db.property_int_value_cf(cf, name).ok());
        value.flatten().unwrap_or(0)
    }

    fn delete_prefix_in(
        &self,
        db: &DB,
        writes: &mut WriteBatch,
        family: Family,
        prefix: &[u8],
    ) -> Result<()> {
        let handle = self.handle(db, family)?;
        match batch::end_of(prefix) {
            Some(end) => writes.delete_range_cf(handle, prefix, end.as_slice()),
            // No key lies behind a prefix of 0xff bytes, and none behind the empty prefix, so there
            // is no end to name: the keys are named one by one.
            None => self.scan(family, prefix, |key, _| writes.delete_cf(handle, key))?,
        }
        Ok(())
    }

    fn handle<'a>(&self, db: &'a DB, family: Family) -> Result<&'a ColumnFamily> {
        db.cf_handle(family.name()).ok_or_else(|| Error::State {
            operation: "find a column family of",
            path: self.path.clone(),
            message: format!("there is no {:?}", family.name()),
        })
    }
}

fn open_db(path: &Path) -> Result<DB> {
    let families = Family::ALL.map(|family| (family.name(), options::family()));
    DB::open_cf_with_opts(&options::database(), path, families)
        .map_err(|error| translate("open", path, 0, error))
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
        return Error::Corrupt { path, offset: 0, reason: message };
    }
    Error::State { operation, path, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(state: &State, key: &str) -> Result<()> {
        let mut batch = Batch::new();
        batch.put(Family::Control, key, "value");
        state.write(batch, false)
    }

    #[test]
    fn after_a_full_disk_the_next_write_opens_the_state_anew() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        put(&state, "before").unwrap();
        state.full.store(true, Ordering::SeqCst);
        let mut refused = None;
        let during = |_: &[u8], _: &[u8]| refused = Some(put(&state, "during"));
        state.scan(Family::Control, b"", during).unwrap();
        // A reader holds the old database open; the write is refused and not deadlocked.
        assert!(matches!(refused, Some(Err(Error::DiskFull { .. }))));
        put(&state, "after").unwrap();
        assert!(!state.full.load(Ordering::SeqCst));
        let mut keys = Vec::new();
        state.scan(Family::Control, b"", |key, _| keys.push(key.to_vec())).unwrap();
        assert_eq!(keys, [b"after".to_vec(), b"before".to_vec()]);
    }

    #[test]
    fn a_state_from_before_a_family_was_added_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let old = [Family::Control, Family::Checkpoints].map(|family| (family.name(), options::family()));
        drop(DB::open_cf_with_opts(&options::database(), dir.path(), old).unwrap());
        let state = State::open(dir.path()).unwrap();
        let mut batch = Batch::new();
        batch.put(Family::Raft, "key", "value");
        state.write(batch, true).unwrap();
        assert_eq!(state.get(Family::Raft, b"key").unwrap().as_deref(), Some(&b"value"[..]));
    }

    #[test]
    fn a_state_that_could_not_be_opened_anew_is_opened_by_the_next_use() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        put(&state, "kept").unwrap();
        state.db.lock().take();
        assert_eq!(state.get(Family::Control, b"kept").unwrap().as_deref(), Some(&b"value"[..]));
    }
}
