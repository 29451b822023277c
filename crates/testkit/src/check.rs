//! Checks the cases of a file in all ways of running, and says what is wrong in words.

use crate::cases::{Case, CaseFile, expectations};
use crate::diff::diff;
use crate::observed::Observed;
use crate::run::{Outcome, WAYS, run};
use std::fmt::Write;
use std::path::Path;

/// What came of a file.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Cases in it.
    pub cases: usize,
    /// What is wrong, a text a case.
    pub failures: Vec<String>,
    /// The file was rewritten.
    pub updated: bool,
}

/// Checks a file. With `update` its expectations are rewritten from the plain way of running
/// first; ways that disagree with that still fail.
pub fn check_file(path: &Path, update: bool) -> std::io::Result<Checked> {
    let text = std::fs::read_to_string(path)?;
    let mut checked = Checked::default();
    let file = match CaseFile::parse(&text) {
        Ok(file) => file,
        Err(malformed) => {
            checked.failures.push(format!("{}: {malformed}", path.display()));
            return Ok(checked);
        }
    };
    checked.cases = file.cases.len();
    let mut observed = Vec::new();
    for case in &file.cases {
        let (seen, wrong) = check_case(case, !update);
        observed.push(seen);
        if !wrong.is_empty() {
            let place = format!("{}:{}: {}", path.display(), case.line, case.heading);
            checked.failures.push(format!("{place}\n{wrong}"));
        }
    }
    let rewritten = file.rewritten(&observed);
    if update && rewritten != text {
        std::fs::write(path, rewritten)?;
        checked.updated = true;
    }
    Ok(checked)
}

/// Runs a case in all ways: what the plain way gave, if it came to an end, and what is wrong with
/// the case. `stated` compares with what the case states, too.
pub fn check_case(case: &Case, stated: bool) -> (Option<Observed>, String) {
    let Outcome { plain, others } = match run(case.script(), case.input()) {
        Ok(outcome) => outcome,
        Err((way, error)) => return (None, format!("  {}: {error}\n", way.name)),
    };
    let mut wrong = String::new();
    if stated {
        let expected: Vec<(String, String)> =
            case.expected().map(|(kind, text)| (kind.to_owned(), text.to_owned())).collect();
        compare(&mut wrong, WAYS[0].name, &expected, &lenient(expectations(&plain), &expected));
    }
    for (way, other) in others {
        let (expected, got) = (way.comparable(&plain), way.comparable(&other));
        compare(&mut wrong, way.name, &with_traffic(&expected), &with_traffic(&got));
    }
    (Some(plain), wrong)
}

/// A case may leave out the texts of errors: then what was seen is shown without them, too.
fn lenient(seen: Vec<(String, String)>, expected: &[(String, String)]) -> Vec<(String, String)> {
    let stated = expected.iter().find(|(kind, _)| kind == "errors");
    let Some((_, stated)) = stated else { return seen };
    let counts: Vec<&str> = stated.lines().filter(|line| line.split(' ').count() == 2).collect();
    let shorten = |line: &str| {
        let short: String = line.split_inclusive(' ').take(2).collect();
        if counts.contains(&short.trim_end()) { short.trim_end().to_owned() } else { line.to_owned() }
    };
    let shortened = |(kind, text): (String, String)| match kind.as_str() {
        "errors" => (kind, text.lines().map(shorten).collect::<Vec<_>>().join("\n")),
        _ => (kind, text),
    };
    seen.into_iter().map(shortened).collect()
}

/// What was observed as blocks, with the counts that no case states.
fn with_traffic(observed: &Observed) -> Vec<(String, String)> {
    let mut blocks = expectations(observed);
    let line = |(node, came, went): &(String, u64, u64)| format!("{node}: {came} in, {went} out");
    let traffic: Vec<String> = observed.traffic.iter().map(line).collect();
    blocks.push(("messages".into(), traffic.join("\n")));
    blocks
}

fn compare(wrong: &mut String, way: &str, expected: &[(String, String)], got: &[(String, String)]) {
    let text = |blocks: &[(String, String)], kind: &str| {
        blocks.iter().find(|(k, _)| k == kind).map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let mut kinds: Vec<&String> = expected.iter().chain(got).map(|(kind, _)| kind).collect();
    kinds.sort();
    kinds.dedup();
    for kind in kinds {
        let (expected, got) = (text(expected, kind), text(got, kind));
        if expected != got {
            let _ = writeln!(wrong, "  {way}: {kind} (- expected, + got)");
            for line in diff(&expected, &got).lines() {
                let _ = writeln!(wrong, "    {line}");
            }
        }
    }
}
