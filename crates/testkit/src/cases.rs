//! Case files: Markdown in which each heading of the second level names a case, and fenced blocks
//! say what it is. Everything else is prose.
//!
//! | Block | What it holds |
//! |---|---|
//! | `tick` | the script |
//! | `input` | line protocol, nanoseconds, one write a line; directives of [`crate::steps`] |
//! | `output NAME` | the body of that HTTP endpoint after all input |
//! | `events` | alert events in order, one JSON a line |
//! | `log` | lines of `log` nodes in order: node, level, text |
//! | `calls` | calls to the outside in order: node, method, URL, `[headers]`, body |
//! | `writes` | lines written to the server itself in order: node, database, retention policy, line |
//! | `errors` | `node: count text of the first`; the text can be left out |
//! | `error` | why the script is refused; then there is no input |
//!
//! A block that is not there says that there is nothing of the kind.

use crate::observed::Observed;
use std::fmt::Write;

/// A case file: its lines, and the cases in them.
#[derive(Clone, Debug)]
pub struct CaseFile {
    lines: Vec<String>,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its heading.
    pub heading: String,
    /// Line of the heading, from 1.
    pub line: usize,
    /// Its blocks.
    pub blocks: Vec<Block>,
}

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the opening fence.
    pub kind: String,
    /// What is between the fences, without the last newline.
    pub text: String,
    /// Index of the line of the opening fence.
    open: usize,
    /// Index of the line of the closing fence.
    close: usize,
}

/// A file that is not a case file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Malformed {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

const FENCE: &str = "```";

/// Blocks without a name of their own.
const KINDS: [&str; 8] = ["tick", "input", "events", "log", "calls", "writes", "errors", "error"];

/// Blocks that state what a case needs, not what it gives.
const GIVEN: [&str; 2] = ["tick", "input"];

impl CaseFile {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<CaseFile, Malformed> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut cases: Vec<Case> = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if let Some(heading) = lines[at].strip_prefix("## ") {
                cases.push(Case { heading: heading.trim().to_owned(), line: at + 1, blocks: Vec::new() });
            } else if let Some(kind) = lines[at].strip_prefix(FENCE) {
                let close = (at + 1..lines.len()).find(|&end| lines[end] == FENCE);
                let close = close.ok_or_else(|| malformed(at, "the block has no end"))?;
                let text = lines[at + 1..close].join("\n");
                let block = Block { kind: kind.trim().to_owned(), text, open: at, close };
                check_kind(&block)?;
                let case =
                    cases.last_mut().ok_or_else(|| malformed(at, "a block before the first heading"))?;
                if case.block(&block.kind).is_some() {
                    return Err(malformed(at, format!("a second {:?} block in one case", block.kind)));
                }
                case.blocks.push(block);
                at = close;
            }
            at += 1;
        }
        // A heading without blocks only structures the file.
        cases.retain(|case| !case.blocks.is_empty());
        match cases.iter().find(|case| case.block("tick").is_none()) {
            Some(case) => Err(malformed(case.line - 1, "the case has no \"tick\" block")),
            None => Ok(CaseFile { lines, cases }),
        }
    }

    /// The text of the file with expectations that say what each case gave. `observed` has an
    /// entry a case; `None` leaves that case as it is.
    pub fn rewritten(&self, observed: &[Option<Observed>]) -> String {
        let mut lines: Vec<String> = self.lines.clone();
        for (case, observed) in self.cases.iter().zip(observed).rev() {
            if let Some(observed) = observed {
                case.rewrite(&mut lines, expectations(observed));
            }
        }
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }
}

fn malformed(at: usize, why: impl Into<String>) -> Malformed {
    Malformed { line: at + 1, why: why.into() }
}

fn check_kind(block: &Block) -> Result<(), Malformed> {
    let known = match block.kind.split_once(' ') {
        Some(("output", name)) => !name.trim().is_empty(),
        Some(_) => false,
        None => KINDS.contains(&block.kind.as_str()),
    };
    if known {
        return Ok(());
    }
    Err(malformed(
        block.open,
        format!("no block is called {:?}: use output NAME or one of {}", block.kind, KINDS.join(", ")),
    ))
}

impl Case {
    /// The text of a block.
    pub fn block(&self, kind: &str) -> Option<&str> {
        self.blocks.iter().find(|block| block.kind == kind).map(|block| block.text.as_str())
    }

    /// The script.
    pub fn script(&self) -> &str {
        self.block("tick").unwrap_or_default()
    }

    /// The lines to write.
    pub fn input(&self) -> &str {
        self.block("input").unwrap_or_default()
    }

    /// What the case expects: blocks by kind, without those that give the script and the input.
    pub fn expected(&self) -> impl Iterator<Item = (&str, &str)> {
        let stated = self.blocks.iter().filter(|block| !GIVEN.contains(&block.kind.as_str()));
        stated.map(|block| (block.kind.as_str(), block.text.as_str()))
    }

    /// Puts expectations in place of the stated ones: in the place of the block of the same kind,
    /// new ones behind the last block.
    fn rewrite(&self, lines: &mut Vec<String>, mut wanted: Vec<(String, String)>) {
        let end = self.blocks.iter().map(|block| block.close).max().unwrap_or(self.line);
        let mut replaced = Vec::new();
        for block in self.blocks.iter().filter(|block| !GIVEN.contains(&block.kind.as_str())) {
            let at = wanted.iter().position(|(kind, _)| *kind == block.kind);
            replaced.push((block, at.map(|at| wanted.remove(at).1)));
        }
        let added = wanted.iter().flat_map(|(kind, text)| fenced(kind, text));
        lines.splice(end + 1..end + 1, added);
        for (block, text) in replaced.into_iter().rev() {
            let new = text.map(|text| fenced(&block.kind, &text)).unwrap_or_default();
            lines.splice(block.open..=block.close, new);
        }
    }
}

fn fenced(kind: &str, text: &str) -> Vec<String> {
    let content = text.lines().map(str::to_owned);
    std::iter::once(format!("{FENCE}{kind}")).chain(content).chain([FENCE.to_owned()]).collect()
}

/// The blocks that state what a run gave.
pub fn expectations(observed: &Observed) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    if let Some(error) = &observed.error {
        blocks.push(("error".to_owned(), error.clone()));
    }
    for (name, body) in &observed.outputs {
        blocks.push((format!("output {name}"), body.clone()));
    }
    let mut list = |kind: &str, lines: &[String]| {
        if !lines.is_empty() {
            blocks.push((kind.to_owned(), lines.join("\n")));
        }
    };
    list("events", &observed.events);
    list("log", &observed.logs);
    list("calls", &observed.calls);
    list("writes", &observed.writes);
    let mut errors = String::new();
    for error in &observed.errors {
        let _ = writeln!(errors, "{}", error.line());
    }
    if !errors.is_empty() {
        blocks.push(("errors".to_owned(), errors.trim_end().to_owned()));
    }
    blocks
}

#[cfg(test)]
mod tests;
