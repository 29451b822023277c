//! The cases of `cases.md`: each body in one chunk, byte by byte, and again when its series and
//! fields are known.

mod write;

use line::Precision;
use write::{Bench, Point};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.md");
const SIGNS: [(char, char); 4] = [('␉', '\t'), ('␍', '\r'), ('␀', '\0'), ('␠', ' ')];

fn body(text: &str) -> String {
    SIGNS.iter().fold(text.to_owned(), |text, (sign, meant)| text.replace(*sign, &meant.to_string()))
}

fn shown(text: &str) -> String {
    let text = text.replace(" \n", "␠\n");
    SIGNS[..3].iter().fold(text, |text, (sign, meant)| text.replace(*meant, &sign.to_string()))
}

fn point(point: &Point) -> String {
    let fields: Vec<String> =
        point.fields.iter().map(|(name, value)| format!("{name:?}: {value:?}")).collect();
    format!("{:?} {:?} [{}] at {}", point.measurement, point.tags, fields.join(", "), point.time)
}

fn outcome(bench: &mut Bench, body: &str, precision: Precision, chunk: usize) -> String {
    match bench.write(body.as_bytes().chunks(chunk), precision) {
        Err(error) => format!("error: {error}\n"),
        Ok(points) => points.iter().map(|p| point(p) + "\n").collect(),
    }
}

/// The outcome of a case, the same whichever way it is run.
fn run(text: &str, precision: &str) -> String {
    let precision = Precision::parse(precision);
    let body = body(text);
    let mut bench = Bench::new(3);
    let first = outcome(&mut bench, &body, precision, usize::MAX);
    for chunk in [1, 2, 7, 1 << 20] {
        assert_eq!(outcome(&mut bench, &body, precision, chunk), first, "{text:?} in chunks of {chunk}");
        let line = format!("{body}\n");
        assert_eq!(outcome(&mut bench, &line, precision, chunk), first, "{text:?} and a newline");
    }
    shown(&first)
}

#[test]
fn cases() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let mut parts = text.split("```case");
    let mut out = parts.next().unwrap_or_default().to_owned();
    let (mut count, mut failed) = (0, Vec::new());
    for part in parts {
        let (case, after) = part.split_once("\n```").expect("a case ends with a fence");
        let (precision, case) = case.split_once('\n').expect("a case has a body");
        let (body, want) = case.split_once("\n---").expect("a case has three dashes");
        let got = run(body, precision.trim());
        if want.trim_start_matches('\n') != got.trim_end_matches('\n') {
            failed.push(format!("{body:.300}\n  want{want:.600}\n  got {got:.600}"));
        }
        out += &format!("```case{precision}\n{body}\n---\n{got}```{after}");
        count += 1;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, out).unwrap();
    } else {
        assert!(failed.is_empty(), "{} cases differ:\n{}", failed.len(), failed.join("\n"));
        assert!(count > 100, "only {count} cases were found");
    }
}
