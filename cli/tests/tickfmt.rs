//! The formatter: where its text goes, and what becomes of files.

use std::fs;
use std::io;
use std::path::Path;

const UGLY: &str = "stream|from().measurement('cpu')";
const PRETTY: &str = "stream\n    |from()\n        .measurement('cpu')\n";
const BROKEN: &str = "stream\n    |from(\n";

/// Runs with the text as standard input; returns exit code, output and error.
fn run(args: &[&str], stdin: &str) -> (i32, String, String) {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = || Ok::<_, io::Error>(stdin.to_owned());
    let code = cli::tickfmt(&args, false, &mut input, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn standard_input() {
    assert_eq!(run(&[], UGLY), (0, PRETTY.to_owned(), String::new()));
    assert_eq!(run(&["-"], PRETTY), (0, PRETTY.to_owned(), String::new()));
}

#[test]
fn files_to_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tick");
    fs::write(&path, UGLY).unwrap();
    assert_eq!(run(&[path.to_str().unwrap()], ""), (0, PRETTY.to_owned(), String::new()));
    assert_eq!(text(&path), UGLY);
}

#[test]
fn files_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tick");
    fs::write(&path, UGLY).unwrap();
    assert_eq!(run(&["-w", path.to_str().unwrap()], ""), (0, String::new(), String::new()));
    assert_eq!(text(&path), PRETTY);
    fs::write(&path, UGLY).unwrap();
    assert_eq!(run(&["-w", "-b", path.to_str().unwrap()], "").0, 0);
    assert_eq!((text(&path).as_str(), text(&dir.path().join("a.tick.orig")).as_str()), (PRETTY, UGLY));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left behind");
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("a.tick"), dir.path().join("b.tick"));
    fs::write(&path, UGLY).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    assert_eq!(run(&["-w", link.to_str().unwrap()], "").0, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(text(&path), PRETTY);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_broken_file_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (broken, good) = (dir.path().join("a.tick"), dir.path().join("b.tick"));
    fs::write(&broken, BROKEN).unwrap();
    fs::write(&good, UGLY).unwrap();
    let missing = dir.path().join("c.tick");
    let paths = [&broken, &missing, &good].map(|path| path.to_str().unwrap());
    let (code, out, err) = run(&["-w", paths[0], paths[1], paths[2]], "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains(&format!("{}: parser: ", paths[0])), "{err}");
    assert!(err.contains("|from("), "the excerpt is missing: {err}");
    assert!(err.contains(&format!("cannot read {}: ", paths[1])), "{err}");
    assert_eq!((text(&broken).as_str(), text(&good).as_str()), (BROKEN, PRETTY));
}

#[test]
fn wrong_arguments() {
    let usage = "Usage: tickfmt [options] [path...]\n\n    Without a path the script is read from STDIN.\n\nOptions:\n  -b\tcreate backup files with extension '.orig'.\n  -w\twrite formatted contents to source file instead of STDOUT.\n";
    for (args, code, text) in [
        (&["-x"][..], 2, "flag provided but not defined: -x\n"),
        (&["-w"], 2, "Cannot write source files, none given.\n"),
        (&["-h"], 0, ""),
    ] {
        assert_eq!(run(args, ""), (code, String::new(), format!("{text}{usage}")), "{args:?}");
    }
}
