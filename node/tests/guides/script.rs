//! The files of the guides: Markdown whose fenced blocks are the steps, in order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A fenced block.
pub struct Block {
    /// The words after the fence: what to do, and with what.
    pub words: Vec<String>,
    /// What is between the fences.
    pub text: String,
    /// Where it begins, for messages: `FILE:LINE`.
    pub place: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides")
}

/// The names of all files, without their ending.
pub fn names() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder of the guides");
    let names =
        entries.map(|entry| entry.expect("a readable folder").file_name().into_string().expect("text"));
    names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect()
}

/// The blocks of a file.
pub fn blocks(name: &str) -> Vec<Block> {
    let path = folder().join(format!("{name}.md"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(words)) => {
                let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
                let place = format!("{name}.md:{}", at + 1);
                assert!(!words.is_empty(), "{place}: a block must say what it is");
                open = Some(Block { words, text: String::new(), place });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => (),
        }
    }
    assert!(open.is_none(), "{name}.md ends within a block");
    blocks
}

/// `text` is `pattern`, in which `…` stands for anything within a line.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (patterns, lines): (Vec<&str>, Vec<&str>) = (pattern.lines().collect(), text.lines().collect());
    patterns.len() == lines.len()
        && patterns.iter().zip(&lines).all(|(pattern, line)| line_fits(pattern, line))
}

fn line_fits(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

#[test]
fn dots_stand_for_anything_within_a_line() {
    for (pattern, text, is_so) in [
        ("a\nb\n", "a\nb\n", true),
        ("a\n", "a\nb\n", false),
        ("a…\n", "a\n", true),
        ("a…c\n", "abbc\n", true),
        ("a…c\n", "abbd\n", false),
        ("a…c…e\n", "a1c2e\n", true),
        ("a…c…e\n", "a1d2e\n", false),
        ("a…c\n", "ab\nc\n", false),
        ("…\n", "anything\n", true),
    ] {
        assert_eq!(fits(pattern, text), is_so, "{pattern:?} and {text:?}");
    }
}
