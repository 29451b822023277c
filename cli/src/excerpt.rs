//! A mistake in a script, shown in the script: the lines around it with a caret.

use std::io::{self, Write};
use std::ops::Range;

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};

/// A place in a script and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Bytes of the script.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Mistake {
    /// From the parser's own diagnostic.
    pub fn from_diagnostic(diagnostic: &tick::Diagnostic) -> Self {
        Mistake {
            span: diagnostic.span.start as usize..diagnostic.span.end as usize,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }

    /// From a text of the server that names its place as `line N char M`; None if it names none.
    pub fn from_text(text: &str, script: &str) -> Option<Self> {
        let (line, char, after) = place(text)?;
        let start: usize = script.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let this = script.get(start..)?.lines().next().unwrap_or("");
        // Kapacitor counts bytes.
        let column = floor(this, char.saturating_sub(1));
        let word =
            this[column..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(this.len() - column);
        let end = floor_up(this, column + word.max(1));
        let message = after.strip_prefix(':').map_or(text, str::trim).to_owned();
        Some(Mistake { span: start + column..start + end, message, help: None })
    }

    /// Writes the excerpt; `name` is the script's file.
    pub fn write(&self, name: &str, script: &str, color: bool, out: &mut dyn Write) -> io::Result<()> {
        let start = floor(script, self.span.start.min(script.len()));
        let end = floor_up(script, self.span.end.clamp(start, script.len()));
        let config = Config::default().with_index_type(IndexType::Byte).with_color(color);
        // Not "Error:": that word begins the line that scripts look for.
        let kind = ReportKind::Custom("in the script", Color::Red);
        let label = Label::new((name, start..end))
            .with_color(Color::Red)
            .with_message(self.help.as_deref().unwrap_or("here"));
        let report = Report::build(kind, (name, start..end))
            .with_config(config)
            .with_message(&self.message)
            .with_label(label)
            .finish();
        let mut text = Vec::new();
        report.write((name, Source::from(script)), &mut text)?;
        // A kind of our own is coloured even when nothing should be.
        let text = String::from_utf8_lossy(&text);
        let text = if color { text.into_owned() } else { without_colors(&text) };
        out.write_all(text.as_bytes())
    }
}

/// The text without the terminal's colour codes (`ESC [ ... m`).
fn without_colors(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, after)| after));
    }
    plain
}

/// `line N char M` in a text, and what follows it.
fn place(text: &str) -> Option<(usize, usize, &str)> {
    let (_, rest) = text.split_once("line ")?;
    let (line, rest) = number(rest)?;
    let (char, rest) = number(rest.strip_prefix(" char ")?)?;
    Some((line, char, rest))
}

fn number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// The character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The character boundary at or after `at`.
fn floor_up(text: &str, at: usize) -> usize {
    (at.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_texts() {
        let script = "stream\n    |from()\n        .mesurement('é')\n";
        let text =
            "invalid TICKscript: line 3 char 10: no method or property \"mesurement\" on *pipeline.FromNode";
        let mistake = Mistake::from_text(text, script).unwrap();
        assert_eq!(&script[mistake.span.clone()], "mesurement");
        assert_eq!(mistake.message, "no method or property \"mesurement\" on *pipeline.FromNode");
        for text in [
            "task exists",
            "line x char 1",
            "line 3",
            "line 0 char 1: x",
            "line 99 char 1: x",
            "line 3 char 99999999999999999999",
        ] {
            // A place that is not in the script is left to the text, or cut to the script's end.
            if let Some(mistake) = Mistake::from_text(text, script) {
                assert!(script.get(mistake.span.clone()).is_some(), "{text}");
            }
        }
        for char in 0..40 {
            let mistake = Mistake::from_text(&format!("line 3 char {char}: x"), script).unwrap();
            assert!(script.get(mistake.span).is_some(), "{char}");
        }
    }

    #[test]
    fn excerpts() {
        let script = "stream\n    |form()\n";
        let mistake = Mistake {
            span: 12..16,
            message: "no such method".to_owned(),
            help: Some("did you mean from?".to_owned()),
        };
        let mut out = Vec::new();
        mistake.write("a.tick", script, false, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in ["no such method", "a.tick:2:6", "|form()", "did you mean from?"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
