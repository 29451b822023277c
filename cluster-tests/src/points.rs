//! The points that are written: numbered bodies, each with one point a host for one second of data
//! time. Everything follows from the number, so that a run can be repeated on another server.

use crate::random::mix;
use std::fmt::Write;

/// Hosts, and so points a body.
pub const HOSTS: u64 = 20;

/// Where points go.
pub const DATABASE: &str = "load";

/// Unix seconds of body 0.
pub const START: u64 = 1_700_000_040;

/// Seconds of data time that a host stays on one level.
const CALM: u64 = 60;

/// Line protocol of a body, times in seconds.
pub fn body(number: u64) -> String {
    let mut lines = String::with_capacity(64 * HOSTS as usize);
    for host in 0..HOSTS {
        let (time, seq, value) = (START + number, number * HOSTS + host, value(number, host));
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "cpu,host=h{host} value={value:.2},seq={seq}i {time}");
    }
    lines
}

/// Its level (below 70, 70 to 90, above 90) changes from time to time, at other times for each host;
/// within the level it wanders in steps that floating point holds exactly.
fn value(number: u64, host: u64) -> f64 {
    let phase = number + host * 13;
    let level = mix((host << 32) ^ (phase / CALM)) % 3;
    let wander = mix((number << 8) ^ host) % 64;
    [40.0, 75.0, 92.0][level as usize] + wander as f64 / 16.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_numbered_and_hosts_change_their_level() {
        let text = body(3);
        assert_eq!(text.lines().count() as u64, HOSTS);
        assert!(text.contains(",seq=79i 1700000043\n"), "{text}");
        for host in 0..HOSTS {
            let levels: Vec<u8> = (0..600)
                .map(|number| match value(number, host) {
                    low if low < 70.0 => 0,
                    middle if middle < 90.0 => 1,
                    _ => 2,
                })
                .collect();
            let changes = levels.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!((2..=10).contains(&changes), "host {host} changes {changes} times");
        }
    }
}
