//! Makes the next segment before it is needed and removes those that nobody needs, in a thread of
//! its own: creating and unlinking 64 MB takes milliseconds that no writer should wait for.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::{fs, io};

use parking_lot::{Condvar, Mutex};

use super::Position;
use super::disk::Disk;
use super::segment::{self, Segment};
use super::stats::Counters;
use super::sync::Syncer;
use crate::error::{Error, Result};

/// Freed segments kept to be written over: their pages and extents are there already, which makes
/// writing them three times cheaper than writing a new file.
const SPARES_MAX: usize = 2;

/// The thread's orders and what it has ready.
#[derive(Default)]
pub(crate) struct Supply {
    state: Mutex<State>,
    wake: Condvar,
    answered: Condvar,
}

#[derive(Default)]
struct State {
    wanted: Option<u32>,
    /// The thread is making the wanted segment right now.
    making: bool,
    made: Option<Result<Segment>>,
    freed: Vec<(u32, Position)>,
    spares: Vec<PathBuf>,
    stop: bool,
}

enum Job {
    Make(u32, Option<PathBuf>),
    Free(Vec<u32>),
    Stop,
}

impl Supply {
    /// Asks for segment `number`, unless it is ready or on its way.
    pub(crate) fn request(&self, number: u32) {
        let mut state = self.state.lock();
        if state.made.is_none() && state.wanted.is_none() {
            state.wanted = Some(number);
            self.wake.notify_one();
        }
    }

    /// Segment `number`, waiting for it when it is not ready. A failure that lies back is tried
    /// again first.
    pub(crate) fn take(&self, number: u32) -> Result<Segment> {
        let mut state = self.state.lock();
        if let Some(Err(_)) = state.made {
            state.made = None;
        }
        loop {
            if let Some(made) = state.made.take() {
                return made;
            }
            if state.stop {
                return Err(Error::Closed);
            }
            if state.wanted.is_none() {
                state.wanted = Some(number);
                self.wake.notify_one();
            }
            self.answered.wait(&mut state);
        }
    }

    /// Gives back a segment that could not be used yet.
    pub(crate) fn put_back(&self, segment: Segment) {
        self.state.lock().made = Some(Ok(segment));
    }

    /// Removes segments once `position`, the mark that made them useless, is on the platter. The
    /// caller asks for that flush and for [`Supply::look`] after it.
    pub(crate) fn free(&self, numbers: Vec<u32>, position: Position) {
        let mut state = self.state.lock();
        state.freed.extend(numbers.into_iter().map(|number| (number, position)));
        self.wake.notify_one();
    }

    /// Something was flushed: segments that waited for it can go.
    pub(crate) fn look(&self) {
        let state = self.state.lock();
        if !state.freed.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Lets the thread finish what it does and end.
    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.wake.notify_one();
        self.answered.notify_all();
    }

    /// The body of the thread.
    pub(crate) fn run(&self, dir: &Path, size: u64, disk: &Disk, syncer: &Syncer, counters: &Counters) {
        loop {
            match self.next_job(syncer) {
                Job::Make(number, spare) => {
                    let recycled = spare.is_some();
                    let made = Segment::create(dir, number, size, disk, spare);
                    if recycled && made.is_ok() {
                        counters.recycled.fetch_add(1, Relaxed);
                    }
                    let mut state = self.state.lock();
                    state.made = Some(made);
                    state.wanted = None;
                    state.making = false;
                    self.answered.notify_all();
                }
                Job::Free(freed) => {
                    if let Err(error) = self.remove(dir, size, &freed, counters) {
                        tracing::warn!(%error, "segments that nobody needs stay until a restart");
                    }
                }
                Job::Stop => return,
            }
        }
    }

    fn next_job(&self, syncer: &Syncer) -> Job {
        let mut state = self.state.lock();
        loop {
            if let Some(number) = state.wanted
                && !state.making
            {
                state.making = true;
                let spare = state.spares.pop();
                return Job::Make(number, spare);
            }
            // Waiting for the flush here would keep a writer waiting for its next segment.
            let durable = syncer.durable();
            let flushed = state.freed.extract_if(.., |(_, position)| *position <= durable);
            let flushed: Vec<_> = flushed.map(|(number, _)| number).collect();
            if !flushed.is_empty() {
                return Job::Free(flushed);
            }
            if state.stop && (state.freed.is_empty() || syncer.check().is_err()) {
                return Job::Stop;
            }
            self.wake.wait(&mut state);
        }
    }

    fn remove(&self, dir: &Path, size: u64, freed: &[u32], counters: &Counters) -> Result<()> {
        for number in freed {
            let path = segment::path_of(dir, *number);
            let failed = |source| Error::io("remove", &path, 0, source);
            let room = self.state.lock().spares.len() < SPARES_MAX;
            if room && is_whole(&path, size).map_err(failed)? {
                let spare = segment::spare_path(dir, *number);
                fs::rename(&path, &spare).map_err(failed)?;
                self.state.lock().spares.push(spare);
            } else {
                fs::remove_file(&path).map_err(failed)?;
            }
            counters.freed.fetch_add(1, Relaxed);
            // One by one, so that a power cut never leaves an older segment without a newer one.
            crate::files::sync_dir(dir)?;
        }
        Ok(())
    }
}

/// Whether the file has exactly the usual size and can take the place of a new one.
fn is_whole(path: &Path, size: u64) -> io::Result<bool> {
    Ok(fs::metadata(path)?.len() == size)
}
