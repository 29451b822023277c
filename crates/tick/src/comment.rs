//! Comments: from the text of tokens to lines, and together where one would otherwise be lost.

use crate::ast::Comment;

/// The line that stands for an empty line between two blocks of comments, as in Kapacitor.
pub(crate) const GAP: &str = "\n";

/// The lines of one comment token.
pub(crate) fn from_token(text: &str) -> Comment {
    let lines = text.split('\n').map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.map(|line| {
        let line = line.strip_prefix("//").unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).to_owned()
    });
    Comment { lines: lines.collect() }
}

/// Puts `second` after what `slot` holds, with an empty line between.
pub(crate) fn append(slot: &mut Option<Comment>, second: Option<Comment>) {
    let Some(second) = second else { return };
    match slot {
        Some(first) => {
            first.lines.push(GAP.to_owned());
            first.lines.extend(second.lines);
        }
        None => *slot = Some(second),
    }
}

/// Puts `first` before what `slot` holds, with an empty line between.
pub(crate) fn prepend(slot: &mut Option<Comment>, first: Option<Comment>) {
    let second = slot.take();
    *slot = first;
    append(slot, second);
}

/// The text as API and documentation show it.
pub(crate) fn text(comment: Option<&Comment>) -> String {
    comment.map_or_else(String::new, |comment| comment.lines.join("\n"))
}
