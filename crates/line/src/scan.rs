//! Where a line ends: a newline that stands neither after a backslash nor inside quotes.

/// The state of the search for the end of one line; it can be resumed when more bytes arrive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineScan {
    /// Next byte to look at. May stand one past the end, behind a backslash.
    at: usize,
    quoted: bool,
    /// A space was seen: quotes count from now on.
    fields: bool,
    equals: u64,
    commas: u64,
}

impl LineScan {
    /// Length of the line that `bytes` begins with, or `None` when it has not ended yet. Called
    /// again, `bytes` must begin with the bytes of the call before.
    pub(crate) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.at == 0 {
            // Nearly every line that comes here has neither quotes nor backslashes.
            let hit = memchr::memchr3(b'\n', b'"', b'\\', bytes);
            if let Some(end) = hit
                && bytes[end] == b'\n'
            {
                return Some(end);
            }
        }
        while let Some(&byte) = bytes.get(self.at) {
            if byte == b'\n' && !self.quoted {
                return Some(self.at);
            }
            self.step(byte);
        }
        None
    }

    #[inline]
    fn step(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            // Whatever stands behind a backslash, a newline too, is part of the line.
            b'\\' => self.at += 1,
            b' ' => self.fields = true,
            b'=' if self.fields && !self.quoted => self.equals += 1,
            b',' if self.fields && !self.quoted => self.commas += 1,
            b'"' if self.fields && self.equals > self.commas => self.quoted = !self.quoted,
            _ => {}
        }
    }
}

/// The scan goes through `key` as through bytes without meaning, so that a line with this key can
/// be read without it.
pub(crate) fn is_plain_key(key: &[u8]) -> bool {
    if memchr::memchr2(b'\\', b'\n', key).is_none() {
        return true;
    }
    let mut scan = LineScan::default();
    scan.end(key).is_none() && !key.contains(&b'\n') && !scan.fields && scan.at == key.len()
}

/// The first byte from `at` on that is not white space.
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | 0) = bytes.get(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        let cases: [(&str, Option<usize>); 9] = [
            ("a v=1\nb", Some(5)),
            ("a v=1", None),
            ("a v=\"x\ny\"\n", Some(9)),
            ("a v=\"x\\\"\ny\"\n", Some(11)),
            ("a\\\nb v=1\n", Some(8)),
            ("a\"b v=1\n", Some(7)),
            ("a v=\"x\n", None),
            ("a v=1,\"b=1\n", Some(10)),
            ("\n", Some(0)),
        ];
        for (text, want) in cases {
            assert_eq!(LineScan::default().end(text.as_bytes()), want, "{text:?}");
            let mut resumed = LineScan::default();
            let end = (0..=text.len()).find_map(|n| resumed.end(&text.as_bytes()[..n]));
            assert_eq!(end, want, "{text:?}, a byte at a time");
        }
    }

    #[test]
    fn plain_keys() {
        for (key, want) in [
            ("cpu,host=a", true),
            (r"cpu,host=a\ b", true),
            (r"cpu,host=a\\ b", false),
            ("cpu\\\nx", false),
            (r"cpu\", false),
        ] {
            assert_eq!(is_plain_key(key.as_bytes()), want, "{key}");
        }
    }
}
