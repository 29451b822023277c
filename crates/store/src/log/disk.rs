//! The few calls that change a segment file, in one place so that tests can make them fail.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// The most slices that one system call takes (`IOV_MAX` on Linux).
const SLICES_MAX: usize = 1024;

/// The disk as the log sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: std::sync::Arc<Faults>,
}

impl Disk {
    /// Writes all slices, one behind the other, from `offset` on.
    pub(crate) fn write(&self, file: &File, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(budget) = self.faults.refuse(slices) {
            let whole: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            file.write_all_at(&whole[..budget], offset)?;
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        match slices {
            [one] => file.write_all_at(one, offset),
            many => write_vectored(file, many, offset),
        }
    }

    /// Gives the file `size` bytes of its own, so that writing inside it needs no more space; where
    /// the file system cannot promise that, the file just gets its length.
    pub(crate) fn allocate(&self, file: &File, size: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.allocating()?;
        match fallocate(file, size) {
            Err(error) if cannot_allocate(&error) => file.set_len(size),
            result => result,
        }
    }

    /// Puts the file's bytes on the platter.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        self.faults.syncing()?;
        file.sync_data()
    }
}

fn write_vectored(file: &File, slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    let mut rest = slices;
    while !rest.is_empty() {
        let count = rest.len().min(SLICES_MAX);
        // SAFETY: `IoSlice` has the layout of `iovec`, the slices outlive the call, and `count`
        // slices are there.
        let written = unsafe {
            libc::pwritev(file.as_raw_fd(), rest.as_ptr().cast(), count as libc::c_int, offset as libc::off_t)
        };
        match written {
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                offset += written as u64;
                IoSlice::advance_slices(&mut rest, written as usize);
            }
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn fallocate(file: &File, size: u64) -> io::Result<()> {
    loop {
        // SAFETY: a plain system call on an open descriptor.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, size as libc::off_t) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn fallocate(_: &File, _: u64) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

fn cannot_allocate(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL))
}

/// What tests switch on to see the log meet a bad disk.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Faults {
    /// Bytes that may still be written; a write that goes past them is cut short.
    pub(crate) space: std::sync::atomic::AtomicI64,
    /// No file can be given space.
    pub(crate) no_allocation: std::sync::atomic::AtomicBool,
    /// `fdatasync` fails.
    pub(crate) no_sync: std::sync::atomic::AtomicBool,
}

#[cfg(test)]
impl Default for Faults {
    fn default() -> Self {
        Faults { space: i64::MAX.into(), no_allocation: false.into(), no_sync: false.into() }
    }
}

#[cfg(test)]
impl Faults {
    fn refuse(&self, slices: &[IoSlice<'_>]) -> Option<usize> {
        use std::sync::atomic::Ordering::SeqCst;
        let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
        let space = self.space.load(SeqCst);
        if space >= wanted as i64 {
            if space != i64::MAX {
                self.space.store(space - wanted as i64, SeqCst);
            }
            return None;
        }
        self.space.store(0, SeqCst);
        Some(space as usize)
    }

    fn allocating(&self) -> io::Result<()> {
        match self.no_allocation.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            false => Ok(()),
        }
    }

    fn syncing(&self) -> io::Result<()> {
        match self.no_sync.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(io::Error::from_raw_os_error(libc::EIO)),
            false => Ok(()),
        }
    }
}
