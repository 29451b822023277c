//! Where the server to be tested is.

use crate::failure::{Failure, Outcome, Trying};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names another `kapacitord` to be tested.
pub const OVERRIDE: &str = "FARAD_KAPACITORD";

/// The folder that cargo builds to, such as `target/debug`: the test's own is in its `deps`.
pub fn profile_folder() -> Outcome<PathBuf> {
    let own = std::env::current_exe().trying("find this test's own program")?;
    let folder = own.parent().and_then(Path::parent);
    folder.map(Path::to_owned).ok_or_else(|| Failure::broken(format!("{} has no folder", own.display())))
}

/// `kapacitord`: the one that is named, or the one beside this test, which is built when missing.
/// (Testing the whole workspace builds it; asking cargo each time could build it a second time, with
/// other features.)
pub fn kapacitord() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os(OVERRIDE) {
        let path = PathBuf::from(path);
        let missing = || Failure::broken(format!("{OVERRIDE} names {}, which is no file", path.display()));
        return if path.is_file() { Ok(path) } else { Err(missing()) };
    }
    let path = profile_folder()?.join("kapacitord");
    if !path.is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(["build", "-p", "farad-node"]).status();
        if !built.trying("run cargo build -p farad-node")?.success() || !path.is_file() {
            return Err(Failure::broken(format!("cargo build -p farad-node gave no {}", path.display())));
        }
    }
    Ok(path)
}
