//! Many other points, to fill a log.

use crate::http::{self, WriteLimits, Written};
use crate::points::DATABASE;
use crate::random::mix;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// About a megabyte.
const LINES: u64 = 10_000;

const LIMITS: WriteLimits = WriteLimits { wanted: Duration::from_secs(2), answer: Duration::from_secs(10) };

/// Writes a numbered megabyte to an API.
pub fn write(to: SocketAddr, number: u64) -> Written {
    let mut lines = String::with_capacity(1 << 20);
    for line in number * LINES..(number + 1) * LINES {
        let (time, words) =
            (1_600_000_000_000_000_000 + (mix(!line) >> 8), [1, 2, 3, 4].map(|n| mix(line ^ (n << 56))));
        let [a, b, c, d] = words;
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "bulk,s=s{} w=\"{a:016x}{b:016x}{c:016x}{d:016x}\" {time}", line % 7);
    }
    let path = format!("/kapacitor/v1/write?db={DATABASE}&rp=autogen");
    http::write(to, &path, &format!("bulk-{number}"), &lines, LIMITS)
}
