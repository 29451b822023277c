//! What a real kapacitord 1.5.7 answered to some 1600 expressions (`cases/kapacitor.md`), and that
//! this crate answers the same, row by row and over columns.

mod support;

use lambda::{Env, FunctionSet};
use model::{TagSet, Value};
use support::{Outcome, Point, compile, outcome};

const CASES: &str = include_str!("cases/kapacitor.md");

/// The point that the cases were written for.
fn point() -> Point {
    let fields = [
        ("i", Value::Int(7)),
        ("j", Value::Int(2)),
        ("z", Value::Int(0)),
        ("neg", Value::Int(-3)),
        ("f", Value::Float(2.5)),
        ("g", Value::Float(10.0)),
        ("zf", Value::Float(0.0)),
        ("s", Value::str("abc")),
        ("u", Value::str("10")),
        ("b", Value::Bool(true)),
        ("c", Value::Bool(false)),
        ("e", Value::str("")),
    ];
    Point {
        tags: TagSet::new([("t1", "tagv"), ("host", "a")]),
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        time: 1_700_000_000_000_000_000,
        results: Vec::new(),
    }
}

/// Answers that differ on purpose: a part of the expression or of Kapacitor's answer, and what this
/// crate says instead (`None`: not compared).
const DIFFERENT: &[(&str, Option<&str>)] = &[
    // Two runs of the recording met; the answer belongs to another expression.
    ("http: multiple registrations", None),
    // The grammar wants an operand here; parsing is another crate's.
    ("define 400", None),
    // Kapacitor panics, and only the eval node survives that.
    ("integer divide by zero", Some("cannot divide by zero")),
    ("index out of range [4]", Some("Cannot call function \"abs\" with args")),
    ("slice bounds out of range", Some("is beyond stop index")),
    // These came after 1.5.7: rand, and nanoseconds as a unit of durations.
    ("rand(", None),
    ("string(1s / 1000000000)", None),
    ("'5ns'", None),
    // The recording writes a line feed as an escape, which a literal does not know.
    ("a b \\n '", None),
];

/// The signatures in alphabetical order: Kapacitor lists them in a new order each time.
fn ordered(text: &str) -> String {
    let Some((head, tail)) = text.split_once("available signatures are [") else {
        return text.to_owned();
    };
    let Some((list, rest)) = tail.rsplit_once(']') else {
        return text.to_owned();
    };
    let mut signatures: Vec<&str> = list.split(", ").collect();
    signatures.sort_unstable();
    format!("{head}available signatures are [{}]{rest}", signatures.join(", "))
}

/// The names in alphabetical order, for the same reason.
fn ordered_names(text: &str) -> String {
    let Some((head, tail)) = text.split_once("values in scope are [") else {
        return text.to_owned();
    };
    let mut names: Vec<&str> = tail.trim_end_matches(']').split(", ").collect();
    names.sort_unstable();
    format!("{head}values in scope are [{}]", names.join(", "))
}

fn unquote(text: &str) -> String {
    let text = if text.ends_with('"') { text.to_owned() } else { format!("{text}\"") };
    let text = text.as_str();
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The same but for the last bits of a float, where two mathematical libraries differ.
fn near(got: f64, want: f64) -> bool {
    got == want || (got - want).abs() <= want.abs() * 4e-15
}

fn same_value(got: &Value, want: &serde_json::Value) -> bool {
    match got {
        Value::Float(got) => want.as_f64().is_some_and(|want| near(*got, want)),
        Value::Int(got) | Value::Duration(got) => want.as_i64() == Some(*got),
        Value::Bool(got) => want.as_bool() == Some(*got),
        Value::Str(got) => want.as_str() == Some(&**got),
        Value::Null | Value::Time(_) => false,
    }
}

fn matches(got: &Result<Outcome, String>, want: &str) -> bool {
    if let Some(text) = want.strip_prefix("log: err=") {
        // The recording missed the end of a few lines of the log.
        let cut = !text.ends_with('"');
        let text = unquote(text);
        return match got {
            _ if cut => matches!(got, Ok(Err(error)) if error.starts_with(&text)),
            Ok(Err(error)) => ordered_names(&ordered(error)) == ordered_names(&ordered(&text)),
            // Found when the task is defined instead of for every point.
            Err(refused) => text.starts_with("undefined function") && refused.starts_with(&text),
            Ok(Ok(_)) => false,
        };
    }
    if let Some(text) = want.strip_prefix("define 500: Failed to compile 0 expression: ") {
        // Hints come after Kapacitor's own words.
        let hint =
            |error: &str| error.strip_prefix(text).map(|hint| hint.is_empty() || hint.starts_with("; "));
        return got.as_ref().is_err_and(|error| hint(error).unwrap_or(false));
    }
    let Ok(Ok(value)) = got else { return false };
    if let Some((_, number)) = want.split_once("unsupported value: ") {
        let Value::Float(value) = value else {
            return false;
        };
        return match number.split('"').next() {
            Some("NaN") => value.is_nan(),
            Some("+Inf") => *value == f64::INFINITY,
            Some("-Inf") => *value == f64::NEG_INFINITY,
            _ => false,
        };
    }
    serde_json::from_str(want).is_ok_and(|want| same_value(value, &want))
}

#[test]
fn answers_are_those_of_kapacitor() {
    let (point, env) = (point(), Env::utc(1_700_000_001_000_000_000));
    let (mut cases, mut wrong, mut fenced) = (0, Vec::new(), false);
    for line in CASES.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let Some((source, want)) = line.split_once(" | ").filter(|_| fenced) else {
            continue;
        };
        let (source, want) = (source.trim(), want.trim());
        cases += 1;
        let got = compile(source, FunctionSet::Task).map(|lambda| outcome(&lambda, &point, false, &env));
        let different = DIFFERENT.iter().find(|(part, _)| want.contains(part) || source.contains(part));
        let right = match different {
            Some((_, None)) => true,
            Some((_, Some(text))) => matches!(&got, Ok(Err(error)) if error.contains(text)),
            None => matches(&got, want),
        };
        if !right {
            wrong.push(format!("{source}\n  want {want}\n  got  {got:?}"));
        }
    }
    assert!(cases > 1500, "only {cases} cases were read");
    assert!(wrong.is_empty(), "{} of {cases} differ:\n{}", wrong.len(), wrong.join("\n"));
}
