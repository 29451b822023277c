//! Runs the case files of the pipeline's nodes, each a test of its own:
//! `cargo test -p farad-testkit --test cases [NAME...]`.
//!
//! `UPDATE=1` rewrites the expectations; `CASES=DIR` takes the files of another folder.
#![allow(clippy::print_stdout)] // It is the output of the test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use testkit::{Checked, check_file};

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let files: Vec<PathBuf> = files().into_iter().filter(|file| matches(file, &wanted)).collect();
    if std::env::args().any(|arg| arg == "--list") {
        files.iter().for_each(|file| println!("{}: test", name(file)));
        return ExitCode::SUCCESS;
    }
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut cases = 0;
    let mut failed = 0;
    for (file, checked) in files.iter().zip(check_all(&files, update)) {
        let verdict = match (checked.failures.is_empty(), checked.updated) {
            (false, _) => "FAILED",
            (true, true) => "ok, rewritten",
            (true, false) => "ok",
        };
        println!("test {} ({} cases) ... {verdict}", name(file), checked.cases);
        checked.failures.iter().for_each(|failure| println!("{failure}"));
        cases += checked.cases;
        failed += checked.failures.len();
    }
    println!("{cases} cases in {} files, {failed} failed", files.len());
    // Finding nothing must not look like success, but for a filter meant for other tests.
    let found = cases > 0 || !wanted.is_empty();
    if failed == 0 && found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn files() -> Vec<PathBuf> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipeline/cases");
    let folder = std::env::var_os("CASES").map_or_else(own, PathBuf::from);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect();
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn matches(file: &Path, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| name(file).contains(part.as_str()))
}

/// Checks all files, several at a time.
fn check_all(files: &[PathBuf], update: bool) -> Vec<Checked> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let at = next.fetch_add(1, Relaxed)
            && let Some(file) = files.get(at)
        {
            let checked = check_file(file, update).unwrap_or_else(|error| Checked {
                failures: vec![format!("{}: {error}", file.display())],
                ..Checked::default()
            });
            done.push((at, checked));
        }
        done
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut checked: Vec<(usize, Checked)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("checking does not panic")).collect()
    });
    checked.sort_by_key(|(at, _)| *at);
    checked.into_iter().map(|(_, checked)| checked).collect()
}
