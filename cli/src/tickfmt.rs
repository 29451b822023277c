//! `tickfmt`: formats TICKscripts, from files or standard input.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::excerpt::Mistake;
use crate::flags::{self, Flag, Kind};

/// Added to the name of a backup.
const BACKUP: &str = ".orig";

const FLAGS: &[Flag] = &[
    Flag { name: "w", kind: Kind::Switch, doc: "write formatted contents to source file instead of STDOUT." },
    Flag { name: "b", kind: Kind::Switch, doc: "create backup files with extension '.orig'." },
];

/// Reads standard input to its end.
pub type Input<'a> = &'a mut dyn FnMut() -> io::Result<String>;

/// Runs the formatter with the arguments after its name. Returns the exit code: 0 done, 1 a file
/// could not be read, written or parsed (the others are still formatted), 2 wrong arguments.
pub fn tickfmt(
    args: &[String],
    color: bool,
    input: Input<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> i32 {
    // A standard error that cannot be written leaves nobody to tell: the exit code still speaks.
    run(args, color, input, out, err).unwrap_or(1)
}

fn run(
    args: &[String],
    color: bool,
    input: Input<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<i32> {
    let parsed = match flags::parse(FLAGS, args) {
        Ok(parsed) => parsed,
        Err(refusal) => {
            let wrong = if let flags::Refusal::Wrong(text) = &refusal { text } else { "" };
            return usage(wrong, err).map(|()| if wrong.is_empty() { 0 } else { 2 });
        }
    };
    let write = parsed.on("w");
    if write && parsed.rest.is_empty() {
        return usage("Cannot write source files, none given.", err).map(|()| 2);
    }
    let mut code = 0;
    let stdin = ["-".to_owned()];
    let paths = if parsed.rest.is_empty() { &stdin } else { parsed.rest.as_slice() };
    for path in paths {
        let text = if path == "-" { input() } else { fs::read_to_string(path) };
        let done = match text {
            Err(error) => Err(format!("cannot read {path}: {error}")),
            Ok(text) => match tick::parse(&text) {
                Err(diagnostic) => {
                    writeln!(err, "{path}: {}", diagnostic.one_line(&text))?;
                    Mistake::from_diagnostic(&diagnostic).write(path, &text, color, err)?;
                    code = 1;
                    continue;
                }
                Ok(program) => put(path, &text, &tick::format(&program), write, parsed.on("b"), out),
            },
        };
        if let Err(problem) = done {
            writeln!(err, "{problem}")?;
            code = 1;
        }
    }
    Ok(code)
}

fn usage(text: &str, err: &mut dyn Write) -> io::Result<()> {
    if !text.is_empty() {
        writeln!(err, "{text}")?;
    }
    writeln!(
        err,
        "Usage: tickfmt [options] [path...]\n\n    Without a path the script is read from STDIN.\n\nOptions:"
    )?;
    write!(err, "{}", flags::list(FLAGS))
}

/// Puts the formatted text where it belongs.
fn put(
    path: &str,
    text: &str,
    formatted: &str,
    write: bool,
    backup: bool,
    out: &mut dyn Write,
) -> Result<(), String> {
    if !write || path == "-" {
        let written = out.write_all(formatted.as_bytes()).and_then(|()| out.flush());
        return written.map_err(|error| format!("cannot write the output: {error}"));
    }
    if text == formatted && !backup {
        return Ok(());
    }
    replace(Path::new(path), formatted, backup).map_err(|error| format!("cannot write {path}: {error}"))
}

/// Replaces a file in one step, so that a crash leaves the old or the new one; its permissions
/// stay, and a link stays a link.
fn replace(path: &Path, text: &str, backup: bool) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if backup {
        fs::copy(&path, with_suffix(&path, BACKUP))?;
    }
    let temporary = with_suffix(&path, &format!(".tickfmt-{}", std::process::id()));
    let written = fs::write(&temporary, text)
        .and_then(|()| fs::set_permissions(&temporary, permissions))
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // What is left of the attempt is of no use; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
