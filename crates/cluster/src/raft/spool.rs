//! Files for snapshots on their way. A file loses its name as soon as it is open, so that nothing is
//! left of it when the process dies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ids::Position;
use super::machine::SnapshotSource;

/// The folder for snapshot files of one group.
#[derive(Clone)]
pub(crate) struct Spool {
    dir: Arc<PathBuf>,
    group: u64,
    next: Arc<AtomicU64>,
}

impl Spool {
    pub(crate) fn new(dir: PathBuf, group: u64) -> Spool {
        Spool { dir: Arc::new(dir), group, next: Arc::default() }
    }

    /// A new, empty file without a name. Blocks.
    pub(crate) fn file(&self) -> io::Result<File> {
        fs::create_dir_all(&*self.dir)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("raft-{}-{}-{number}.snapshot", self.group, std::process::id());
        let path = self.dir.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }

    /// Writes a snapshot to a file, to be read from its start. Blocks.
    pub(crate) fn write(&self, source: &dyn SnapshotSource) -> io::Result<(Position, File)> {
        let mut out = BufWriter::with_capacity(1 << 20, self.file()?);
        let position = source.write(&mut out)?;
        out.flush()?;
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok((position, file))
    }
}
