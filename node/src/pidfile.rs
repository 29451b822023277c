//! The file that says which process runs.

use std::path::{Path, PathBuf};

/// Removes the file when the process ends in order.
pub struct Pidfile(PathBuf);

impl Pidfile {
    /// Writes the process id, making the folder if it is missing.
    pub fn write(path: &Path) -> Result<Pidfile, String> {
        let fail = |error: std::io::Error| format!("cannot write the pidfile {}: {error}", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        std::fs::write(path, std::process::id().to_string()).map_err(fail)?;
        Ok(Pidfile(path.to_owned()))
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // Gone already is as good as removed.
        let _ = std::fs::remove_file(&self.0);
    }
}
