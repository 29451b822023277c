//! A disk that is full: a member's data directory on a small file system in memory.

use crate::failure::{Failure, Outcome, Trying};
use crate::isolation;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk. It goes away with the scenario's mount namespace.
#[derive(Debug)]
pub struct Disk {
    filler: PathBuf,
}

impl Disk {
    /// Mounts one on a folder, which is made.
    pub fn mount(folder: &Path, megabytes: u32) -> Outcome<Disk> {
        isolation::require_inside("a full disk")?;
        std::fs::create_dir_all(folder).trying("make a folder for a small disk")?;
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        let output = mounted.trying("run mount")?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::Skipped(format!("a full disk needs the right to mount: {why}")));
        }
        Ok(Disk { filler: folder.join("filler") })
    }

    /// Writes until nothing more fits; gives how many megabytes did.
    pub fn fill(&self) -> Outcome<usize> {
        let mut file = std::fs::File::create(&self.filler).trying("create the file that fills the disk")?;
        let (chunk, mut bytes) = (vec![0xa5; 64 << 10], 0);
        loop {
            match file.write(&chunk) {
                Ok(written) => bytes += written,
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(bytes >> 20),
                Err(error) => return Err(error).trying("fill the disk"),
            }
        }
    }

    /// Frees what was filled.
    pub fn free(&self) -> Outcome {
        std::fs::remove_file(&self.filler).trying("free the disk")
    }
}
