//! Alerts in one line, and those that the task's log handler writes.

use crate::say;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The alert log, from where it stood when the demonstration started.
pub struct Alerts {
    path: PathBuf,
    read: u64,
    partial: Vec<u8>,
}

impl Alerts {
    /// Follows a log that may not exist yet.
    pub fn follow(path: &Path) -> Alerts {
        let read = std::fs::metadata(path).map_or(0, |file| file.len());
        Alerts { path: path.to_owned(), read, partial: Vec::new() }
    }

    /// Shows what came since the last look.
    pub fn show(&mut self) {
        let Ok(mut file) = File::open(&self.path) else { return };
        if file.seek(SeekFrom::Start(self.read)).is_err() {
            return;
        }
        self.read += file.read_to_end(&mut self.partial).unwrap_or(0) as u64;
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            if let Ok(alert) = serde_json::from_slice::<serde_json::Value>(&line) {
                say(&text(&alert));
            }
        }
    }
}

/// An alert in one line.
pub fn text(alert: &serde_json::Value) -> String {
    let part = |key: &str| alert[key].as_str().unwrap_or("").to_owned();
    let time = part("time");
    // Hours, minutes and seconds of an RFC 3339 time.
    let time = time.get(11..19).unwrap_or(&time);
    format!("ALERT {time} UTC  {:<8}  {}  (was {})", part("level"), part("message"), part("previousLevel"))
}
