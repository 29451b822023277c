//! What is wrong with a write, in Kapacitor's words.

use std::fmt::Write as _;

/// Bounds on one write.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest line, in bytes.
    pub line_bytes_max: usize,
    /// Longest error message, in bytes (one more sentence says how many lines were left out).
    pub message_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { line_bytes_max: 16 << 20, message_bytes_max: 64 << 10 }
    }
}

/// Why a write was refused. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Lines that are not line protocol; the message lists them as Kapacitor does.
    #[error("{message}")]
    BadLines {
        /// `unable to parse '<line>': <reason>`, one a line.
        message: String,
        /// How many lines were bad.
        count: u64,
    },
    /// A line longer than the limit.
    #[error("line {line} is longer than {max} bytes; write shorter lines")]
    LineTooLong {
        /// Number of the line, from 1.
        line: u64,
        /// The limit.
        max: usize,
    },
    /// More points than an ordinal can number.
    #[error("more than {max} points in one write; split it")]
    TooManyPoints {
        /// The limit.
        max: u64,
    },
}

/// Why one line was refused. The texts are Kapacitor's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("missing measurement")]
    MissingMeasurement,
    #[error("missing fields")]
    MissingFields,
    #[error("missing tag key")]
    MissingTagKey,
    #[error("missing tag value")]
    MissingTagValue,
    #[error("invalid tag format")]
    InvalidTagFormat,
    #[error("duplicate tags")]
    DuplicateTags,
    #[error("max key length exceeded: {0} > 65535")]
    KeyTooLong(usize),
    #[error("missing field key")]
    MissingFieldKey,
    #[error("missing field value")]
    MissingFieldValue,
    #[error("invalid number")]
    InvalidNumber,
    #[error("unable to parse integer {0}: strconv.ParseInt: parsing \"{0}\": value out of range")]
    IntegerRange(String),
    #[error("invalid float")]
    InvalidFloat,
    #[error("invalid boolean")]
    InvalidBoolean,
    #[error("unbalanced quotes")]
    UnbalancedQuotes,
    #[error("invalid field format")]
    InvalidFieldFormat,
    #[error("bad timestamp")]
    BadTimestamp,
    #[error("strconv.ParseInt: parsing \"{0}\": invalid syntax")]
    TimestampSyntax(String),
    #[error("strconv.ParseInt: parsing \"{0}\": value out of range")]
    TimestampRange(String),
    #[error("time outside range -9223372036854775806 - 9223372036854775806")]
    TimeOutOfRange,
    #[error("point is invalid")]
    InvalidPoint,
}

/// Bad lines as they are met: their message, bounded.
#[derive(Debug, Default)]
pub(crate) struct BadLines {
    message: String,
    count: u64,
    left_out: u64,
}

impl BadLines {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a line; what does not fit into `max` bytes is cut or only counted.
    pub(crate) fn push(&mut self, line: &[u8], reason: &Reason, max: usize) {
        self.count += 1;
        if self.message.len() >= max {
            self.left_out += 1;
            return;
        }
        if !self.message.is_empty() {
            self.message.push('\n');
        }
        let room = max - self.message.len();
        self.message.push_str("unable to parse '");
        match line.get(..room) {
            Some(head) if head.len() < line.len() => {
                self.message.push_str(&String::from_utf8_lossy(head));
                self.message.push_str("...");
            }
            _ => self.message.push_str(&String::from_utf8_lossy(line)),
        }
        // Writing to a String cannot fail.
        let _ = write!(self.message, "': {reason}");
    }

    pub(crate) fn into_error(self) -> Error {
        let BadLines { mut message, count, left_out } = self;
        if left_out > 0 {
            let _ = write!(message, "\nand {left_out} more lines that could not be parsed");
        }
        Error::BadLines { message, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_bounded() {
        let mut bad = BadLines::default();
        for _ in 0..1000 {
            bad.push(&[b'x'; 300], &Reason::MissingFields, 1000);
        }
        let Error::BadLines { message, count } = bad.into_error() else { panic!("other error") };
        assert_eq!(count, 1000);
        assert!(message.len() < 1300, "{} bytes", message.len());
        assert!(message.ends_with("and 997 more lines that could not be parsed"), "{message}");
    }
}
