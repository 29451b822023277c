//! What the operating system says of this process. Where it does not say it, the figure is left
//! out.

use std::fs;

/// Figures of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Memory in use, in bytes.
    pub resident_bytes: Option<u64>,
    /// Memory that is mapped, in bytes.
    pub virtual_bytes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Time on a processor, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Files and sockets that are open.
    pub open_files: Option<u64>,
}

/// Ticks a second of the times in `/proc`: the same on all Linux machines.
const TICKS: f64 = 100.0;

impl Process {
    /// As it is now.
    pub fn read() -> Process {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        Process {
            resident_bytes: kilobytes(&status, "VmRSS:"),
            virtual_bytes: kilobytes(&status, "VmSize:"),
            threads: number(&status, "Threads:"),
            cpu_seconds: cpu(&stat),
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
        }
    }
}

fn number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    number(status, key).map(|kilobytes| kilobytes.saturating_mul(1024))
}

/// User and system time. The name of the process, in parentheses, may hold anything.
fn cpu(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        assert_eq!(kilobytes("VmSize:\t  10 kB\nVmRSS:\t  7 kB\n", "VmRSS:"), Some(7168));
        assert_eq!(cpu("1 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20"), Some(2.0));
        assert_eq!(cpu(""), None);
    }
}
