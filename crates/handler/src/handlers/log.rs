//! `log`: appends the event to a file, one line of JSON.
//!
//! The file is opened for each event, as in Kapacitor, so that it may be rotated at any time.

use super::{Attempt, Built, Handler, Kind, Limits, Services};
use crate::error::os_text;
use crate::options::Options;
use crate::{DeliveryError, Error, OptionDef, OptionKind};
use alert::Delivery;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

pub(super) static KIND: Kind = Kind {
    name: "log",
    method: "log",
    config: "alert.LogHandlerConfig",
    summary: "appends the event to a file, one line of JSON",
    options: &[
        OptionDef { name: "path", kind: OptionKind::Text, summary: "absolute path of the file" },
        OptionDef {
            name: "mode",
            kind: OptionKind::Mode,
            summary: "permissions of a new file, default 0600",
        },
    ],
    build,
};

const MODE: u32 = 0o600;
const WRITE_FAILED: &str = "failed to write the alert log";
const OWNER_WRITES: u32 = 0o200;

fn build(options: &Options<'_>, _: &Services) -> Built {
    // Zero is what a script gets that does not set a mode.
    let mode = options.mode("mode")?.filter(|mode| *mode != 0).unwrap_or(MODE);
    if mode & OWNER_WRITES == 0 {
        return Err(Error::Invalid(format!("invalid file mode {}, must be user writable", mode_text(mode))));
    }
    let path = PathBuf::from(options.text("path")?);
    if !path.is_absolute() {
        return Err(Error::Invalid(format!("log path must be absolute: {} is not absolute", path.display())));
    }
    Ok(Arc::new(Log { path, mode, writing: Arc::default() }))
}

/// `-rw-r--r--`, as Go prints a mode.
fn mode_text(mode: u32) -> String {
    let bits = "rwxrwxrwx".chars().enumerate();
    let bits = bits.map(|(bit, letter)| if mode & (0o400 >> bit) != 0 { letter } else { '-' });
    std::iter::once('-').chain(bits).collect()
}

struct Log {
    path: PathBuf,
    mode: u32,
    /// Held by the thread that writes. A file system that hangs must hold one thread, not one
    /// for each attempt.
    writing: Arc<Mutex<()>>,
}

impl Handler for Log {
    fn limits(&self) -> Limits {
        // One at a time: the lines stand in the order of their events.
        Limits { timeout: Duration::from_secs(10), concurrency_max: 1, attempts_max: None }
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> Attempt<'a> {
        Box::pin(async move {
            let file = self.path.display();
            let Ok(guard) = self.writing.clone().try_lock_owned() else {
                let hangs = "an earlier write has not returned yet; check the file system";
                return Err(DeliveryError::retryable(WRITE_FAILED, hangs).with("file", file));
            };
            let mut line = delivery.payload();
            line.push(b'\n');
            let (path, mode) = (self.path.clone(), self.mode);
            let written = tokio::task::spawn_blocking(move || {
                let _guard = guard;
                let mut options = OpenOptions::new();
                // Not blocking: opening a pipe that nobody reads would wait for ever.
                options.append(true).create(true).mode(mode).custom_flags(libc::O_NONBLOCK);
                let mut file = options.open(&path).map_err(|error| {
                    let error = format!("open {}: {}", path.display(), os_text(&error));
                    DeliveryError::retryable("failed to open file for alert logging", error)
                })?;
                append(&mut file, &line)
                    .map_err(|error| DeliveryError::retryable(WRITE_FAILED, os_text(&error)))
            });
            let result =
                written.await.unwrap_or_else(|error| Err(DeliveryError::retryable(WRITE_FAILED, error)));
            result.map_err(|error| error.with("file", file))
        })
    }
}

/// Writes the line whole or not at all, as far as the file system lets us: half a line would make
/// the next one unreadable too.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < line.len() {
        match file.write(&line[written..]) {
            Ok(0) => return undo(file, written, io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return undo(file, written, error),
        }
    }
    Ok(())
}

fn undo(file: &File, written: usize, error: io::Error) -> io::Result<()> {
    if written > 0
        && let Ok(about) = file.metadata()
        && about.is_file()
    {
        // If this fails as well there is nothing better to report than the first error.
        let _ = file.set_len(about.len().saturating_sub(written as u64));
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::mode_text;

    #[test]
    fn modes_as_go_prints_them() {
        for (mode, text) in [(0o444, "-r--r--r--"), (0o751, "-rwxr-x--x"), (0, "----------")] {
            assert_eq!(mode_text(mode), text);
        }
    }
}
