//! Checks of the repository itself: the rules of ARCHITECTURE.md that no compiler knows. Each test
//! collects all that is wrong, so that one run shows what there is to mend.

use std::fs;
use std::path::{Path, PathBuf};

/// The packages in the order of the river: each may use only those before it. `node` stands behind
/// `cli`, whose flags it shares.
const RIVER: &str = "model line tick lambda template pipeline alert catalog handler store config proto cluster engine api testkit cli node";

/// Third-party crates that one package alone may name: replacing them must stay a matter of one crate.
const OWNED: [(&str, &str); 5] =
    [("rocksdb", "store"), ("axum", "api"), ("hyper", "api"), ("openraft", "cluster"), ("foca", "cluster")];

/// Crates whose answers depend on nothing but what they are given.
const PURE: &str = "model line tick lambda template pipeline alert catalog";

/// What a pure crate must not name, in code without white space. The time zone of the system and
/// the present moment are asked for by whoever calls it.
const IMPURE: &str = "std::fs std::net std::thread std::env std::process Instant SystemTime rand:: tokio Timestamp::now Zoned::now TimeZone::system";

const LINES_MAX: usize = 700;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("node/ lies in the repository").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn folder(package: &str) -> PathBuf {
    match package {
        "node" | "cli" | "proto" => root().join(package),
        _ => root().join("crates").join(package),
    }
}

/// Every file below `dir` with that ending, but what is built or hidden.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("cannot list {}: {error}", dir.display()));
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The dependencies that a manifest names, with the table each stands in.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut table = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']').to_owned();
        } else if table.ends_with("dependencies") && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push((table.clone(), name.to_owned()));
        }
    }
    found
}

#[test]
fn every_package_uses_only_what_stands_upstream() {
    let mut wrong = Vec::new();
    let river: Vec<&str> = RIVER.split(' ').collect();
    for (at, package) in river.iter().enumerate() {
        for (table, name) in dependencies(&read(&folder(package).join("Cargo.toml"))) {
            let own = name.strip_prefix("farad-").map(|own| river.iter().position(|other| *other == own));
            // Tests may use the kit that runs the cases wherever they are.
            let for_tests = table == "dev-dependencies" && name == "farad-testkit";
            if own.is_some_and(|place| place.is_none_or(|place| place >= at)) && !for_tests {
                wrong.push(format!("{package} must not use {name}: it is not upstream of it"));
            }
            if OWNED.iter().any(|(owned, owner)| *owned == name && owner != package) {
                wrong.push(format!("{package} must not use {name}: another package keeps it to itself"));
            }
        }
    }
    // Besides the crates: proto, cli and node.
    let present = files(&root().join("crates"), "Cargo.toml").len() + 3;
    assert_eq!(river.len(), present, "a package is missing in RIVER");
    none(&wrong);
}

/// The code of a file as the binary has it: without comments, tests and white space.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            skip_item(line, &mut lines);
        } else if !line.trim_start().starts_with("//") {
            code.extend(line.chars().filter(|c| !c.is_whitespace()));
        }
    }
    code
}

/// Passes over the item that an attribute belongs to: up to a closing bracket that stands as deep as
/// the attribute, which is where rustfmt puts it.
fn skip_item<'a>(attribute: &str, lines: &mut impl Iterator<Item = &'a str>) {
    let depth = attribute.len() - attribute.trim_start().len();
    for line in lines {
        let ends = line.len() - line.trim_start().len() == depth && line.ends_with(['}', ';']);
        if ends && !line.trim_start().starts_with("#[") {
            return;
        }
    }
}

/// What impure code names, also from within `use std::{..}`.
fn impurities(code: &str) -> Vec<&'static str> {
    let grouped: Vec<&str> =
        code.split("usestd::{").skip(1).filter_map(|rest| rest.split(';').next()).collect();
    let in_group = |word: &str| {
        let module = word.strip_prefix("std::");
        module.is_some_and(|module| {
            grouped.iter().any(|g| g.split(['{', '}', ',', ':']).any(|part| part == module))
        })
    };
    let starts_word = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let named = |word: &str| code.match_indices(word).any(|(at, _)| starts_word(at));
    IMPURE.split(' ').filter(|word| named(word) || in_group(word)).collect()
}

#[test]
fn pure_crates_look_at_nothing_but_their_input() {
    let mut wrong = Vec::new();
    for package in PURE.split(' ') {
        for path in files(&folder(package).join("src"), ".rs") {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if stem != "tests" && !stem.ends_with("_tests") && !path.iter().any(|part| part == "tests") {
                let found = impurities(&code(&read(&path)));
                wrong.extend(found.iter().map(|word| format!("{} names {word}", path.display())));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_check_of_purity_sees_what_it_should() {
    let impure = "use std::{collections::BTreeMap,\n    fs};\nfn f() {\n    std::thread :: sleep(x);\n}\n";
    assert_eq!(impurities(&code(impure)), ["std::fs", "std::thread"]);
    assert_eq!(impurities(&code("use std::time::{Duration, Instant};\n")), ["Instant"]);
    let pure =
        "// std::fs\nfn operand::<T>() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\nfn g() {}\n";
    assert_eq!((impurities(&code(pure)), code(pure).ends_with("fng(){}")), (vec![], true));
}

#[test]
fn every_source_file_says_what_it_is_and_is_short() {
    let mut wrong = Vec::new();
    for path in files(&root(), ".rs") {
        let text = read(&path);
        let lines = text.lines().count();
        if !text.starts_with("//!") {
            wrong.push(format!("{} must begin with //! and what it is", path.display()));
        }
        if lines > LINES_MAX {
            wrong.push(format!("{} has {lines} lines, {LINES_MAX} are allowed: split it", path.display()));
        }
    }
    none(&wrong);
}

#[test]
fn every_node_has_a_case_file() {
    let cases: Vec<(String, String)> = files(&root().join("crates/pipeline/cases"), ".md")
        .into_iter()
        .map(|path| {
            (path.file_stem().unwrap_or_default().to_string_lossy().replace(['-', '_'], ""), read(&path))
        })
        .collect();
    // One page may tell of a family: state.md of stateCount and stateDuration, influxql-*.md of the
    // InfluxQL methods, or one node may have several: alert-levels.md.
    let tells_of = |stem: &str, name: &str| {
        name.starts_with(stem) || stem.starts_with(name) || stem.starts_with("influxql")
    };
    let missing = pipeline::nodes::all().filter(|kind| {
        let (name, call) = (kind.name.to_lowercase(), format!("|{}(", kind.name));
        !cases.iter().any(|(stem, text)| tells_of(stem, &name) && text.contains(&call))
    });
    let missing: Vec<String> =
        missing.map(|kind| format!("|{}() has no case file in crates/pipeline/cases", kind.name)).collect();
    none(&missing);
}
