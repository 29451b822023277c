//! Sizes in bytes, written as a plain number or with a unit.

use std::fmt;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Units with their bytes; the single letters are InfluxDB's and count in powers of two.
const UNITS: [(&str, u64); 7] = [
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("k", 1 << 10),
    ("b", 1),
];

impl Size {
    /// Reads `1048576`, `64MiB`, `1g`. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let lower = text.trim().to_ascii_lowercase();
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(name, bytes)| lower.strip_suffix(name).map(|digits| (digits.trim_end(), *bytes)))
            .unwrap_or((&lower, 1));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("a size is a number of bytes, or a number with k, m, g, KiB, MiB or GiB");
        }
        let count: u64 = digits.parse().map_err(|_| "the size is too large")?;
        count.checked_mul(unit).map(Size).ok_or("the size is too large")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn reads_and_writes() {
        for (text, bytes, written) in [
            ("0", 0, "0"),
            ("1500", 1500, "1500"),
            ("64MiB", 64 << 20, "64MiB"),
            ("64m", 64 << 20, "64MiB"),
            ("1 GiB", 1 << 30, "1GiB"),
            ("3k", 3072, "3KiB"),
            ("7b", 7, "7"),
        ] {
            assert_eq!(Size::parse(text), Ok(Size(bytes)), "{text}");
            assert_eq!(Size(bytes).to_string(), written);
        }
        for text in ["", "m", "-1", "1.5m", "1t", "99999999999g", "0x10"] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
    }
}
