//! From byte offsets to lines and characters, counted as Kapacitor counts them.

/// A place in a script as a reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Byte within the line, from 1. Kapacitor calls it `char`, but counts bytes.
    pub char: usize,
}

/// The line and char of a byte offset; an offset past the end counts as the end.
pub fn position(source: &str, offset: usize) -> Position {
    let before = &source.as_bytes()[..offset.min(source.len())];
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    Position { line, char: before.len() - start + 1 }
}

/// Up to ten bytes on either side of `offset`, cut to its line, as Kapacitor's parser quotes it.
pub(crate) fn context(source: &str, offset: usize) -> String {
    const REACH: usize = 10;
    let bytes = source.as_bytes();
    let offset = offset.min(bytes.len());
    let mut start = offset.saturating_sub(REACH);
    let mut stop = (offset + REACH).min(bytes.len());
    if let Some(newline) = bytes[start..offset].iter().rposition(|&byte| byte == b'\n') {
        start += newline + 1;
    }
    if let Some(newline) = bytes[offset..stop].iter().position(|&byte| byte == b'\n') {
        stop = offset + newline;
    }
    // The cut may fall inside a character; its bytes become U+FFFD, as in Kapacitor's JSON.
    String::from_utf8_lossy(&bytes[start..stop]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        let source = "ab\ncé d\n";
        for (offset, line, char) in
            [(0, 1, 1), (2, 1, 3), (3, 2, 1), (4, 2, 2), (6, 2, 4), (9, 3, 1), (99, 3, 1)]
        {
            assert_eq!(position(source, offset), Position { line, char }, "offset {offset}");
        }
    }

    #[test]
    fn contexts() {
        let source = "var x = 5\nvar something = +longer than that\n";
        assert_eq!(context(source, 0), "var x = 5");
        assert_eq!(context(source, 26), "mething = +longer th");
        assert_eq!(context(source, source.len()), "");
        assert_eq!(context("ééééééé", 1), "ééééé\u{FFFD}");
    }
}
