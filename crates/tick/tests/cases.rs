//! Runs the cases in `tests/cases/*.md`: under each heading a script and what comes of it.
//!
//! Inputs: `tick` (a script), `tick template` (evaluated as a template), `lambda` (an expression),
//! `supplied` (variables from outside, written as declarations). Expectations: `formatted`,
//! `error`, `calls`, `vars`. With `UPDATE=1` the expectations are rewritten.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use support::Recorder;
use tick::{Diagnostic, Evaluated, Mode, Value, evaluate, format, format_expr, parse, parse_lambda};

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

/// The parts of a case file in order.
enum Part {
    Prose(String),
    Block(Block),
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => parts.extend(open.take().map(Part::Block)),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => parts.push(Part::Prose(line.to_owned())),
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    parts
}

#[derive(Default)]
struct Case {
    title: String,
    script: String,
    is_lambda: bool,
    is_template: bool,
    supplied: BTreeMap<String, Value>,
}

impl Case {
    fn evaluate(&self) -> Result<(Evaluated, Recorder), Diagnostic> {
        let mut host = Recorder::default();
        let mode = if self.is_template { Mode::Template } else { Mode::Task };
        let evaluated = evaluate(&parse(&self.script)?, &mut host, &self.supplied, mode)?;
        Ok((evaluated, host))
    }

    fn vars(&self) -> Result<String, Diagnostic> {
        let (evaluated, _) = self.evaluate()?;
        let mut lines = String::new();
        for (name, var) in &evaluated.vars {
            let value = var.value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            lines.push_str(&format!("{name}: {} = {value}", var.value_type.declared_name()));
            if !var.description.is_empty() {
                lines.push_str(&format!(" // {}", var.description.replace('\n', "\\n")));
            }
            lines.push('\n');
        }
        for (db, rp) in &evaluated.dbrps {
            lines.push_str(&format!("dbrp {db}.{rp}\n"));
        }
        Ok(lines)
    }

    fn formatted(&self) -> Result<String, Diagnostic> {
        if self.is_lambda {
            return Ok(format_expr(&*parse_lambda(&self.script)?) + "\n");
        }
        let once = format(&parse(&self.script)?);
        let twice = format(&parse(&once)?);
        assert_eq!(once, twice, "{}: formatting twice differs", self.title);
        Ok(once)
    }

    fn error(&self) -> Result<String, Diagnostic> {
        let result =
            if self.is_lambda { parse_lambda(&self.script).map(|_| ()) } else { self.evaluate().map(|_| ()) };
        Ok(result.err().map_or_else(
            || "none\n".to_owned(),
            |error| format!("{} {}\n", error.code, error.one_line(&self.script)),
        ))
    }

    fn actual(&self, language: &str) -> String {
        let actual = match language {
            "formatted" => self.formatted(),
            "error" => self.error(),
            "vars" => self.vars(),
            "calls" => {
                self.evaluate().map(|(_, host)| host.calls.iter().map(|call| call.clone() + "\n").collect())
            }
            other => panic!("{}: unknown block {other}", self.title),
        };
        actual.unwrap_or_else(|error| format!("unexpected error: {}\n", error.one_line(&self.script)))
    }
}

fn supplied(text: &str) -> BTreeMap<String, Value> {
    let program = parse(text).expect("supplied variables parse");
    let vars = evaluate(&program, &mut Recorder::default(), &BTreeMap::new(), Mode::Task);
    let vars = vars.expect("supplied variables evaluate").vars;
    vars.into_iter().filter_map(|(name, var)| Some((name, var.value?))).collect()
}

/// Runs a file; the number of expectations checked.
fn run(path: &Path) -> usize {
    let update = std::env::var_os("UPDATE").is_some();
    let text = fs::read_to_string(path).expect("case file is readable");
    let (mut case, mut rewritten, mut checked) = (Case::default(), String::new(), 0);
    for part in parts(&text) {
        let block = match part {
            Part::Prose(line) => {
                if let Some(title) = line.strip_prefix("## ") {
                    case = Case { title: title.to_owned(), ..Case::default() };
                }
                rewritten.push_str(&line);
                rewritten.push('\n');
                continue;
            }
            Part::Block(block) => block,
        };
        let mut shown = block.text.clone();
        match block.language.as_str() {
            "tick" | "tick template" | "lambda" => {
                case.is_lambda = block.language == "lambda";
                case.is_template = block.language == "tick template";
                case.script = block.text.clone();
            }
            "supplied" => case.supplied = supplied(&block.text),
            language => {
                let actual = case.actual(language);
                if !update {
                    assert_eq!(actual, block.text, "{}: {} ({language})", path.display(), case.title);
                }
                shown = actual;
                checked += 1;
            }
        }
        rewritten.push_str(&format!("```{}\n{shown}```\n", block.language));
    }
    if update {
        fs::write(path, rewritten).expect("case file is writable");
    }
    checked
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut checked = 0;
    for entry in fs::read_dir(folder).expect("cases exist") {
        checked += run(&entry.expect("entry is readable").path());
    }
    assert!(checked > 90, "only {checked} expectations: were cases lost?");
}
