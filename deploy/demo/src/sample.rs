//! The machine's own CPU and memory, as line protocol.

use std::fs;

/// The counters of `/proc/stat` at the last look.
#[derive(Default)]
pub struct Cpu {
    busy: u64,
    all: u64,
}

/// A line of CPU and a line of memory; nothing at the first look, which has no difference to show.
pub fn lines(cpu: &mut Cpu) -> Option<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let host = host.trim().replace([' ', ',', '='], "_");
    let usage = cpu.usage(&fs::read_to_string("/proc/stat").ok()?)?;
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let (total, available) = (meminfo(&memory, "MemTotal:")?, meminfo(&memory, "MemAvailable:")?);
    let used = total.saturating_sub(available);
    let percent = used as f64 * 100.0 / total as f64;
    Some(format!("cpu,host={host} usage={usage}\nmem,host={host} used={used}i,used_percent={percent}\n"))
}

impl Cpu {
    /// Percent of the time since the last look that the processors were busy.
    fn usage(&mut self, stat: &str) -> Option<f64> {
        let counters: Vec<u64> =
            stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        let idle: u64 = counters.iter().skip(3).take(2).sum();
        // Guest time is part of user time already.
        let all: u64 = counters.iter().take(8).sum();
        let before = std::mem::replace(self, Cpu { busy: all - idle, all });
        let (busy, all) = (self.busy.saturating_sub(before.busy), self.all.saturating_sub(before.all));
        (before.all > 0 && all > 0).then(|| busy as f64 * 100.0 / all as f64)
    }
}

/// A value of `/proc/meminfo` in bytes.
fn meminfo(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_the_share_of_busy_time_since_the_last_look() {
        let mut cpu = Cpu::default();
        assert_eq!(cpu.usage("cpu  10 0 10 80 0 0 0 0 0 0\n"), None);
        assert_eq!(cpu.usage("cpu  20 0 20 160 0 0 0 0 0 0\n"), Some(20.0));
        assert_eq!(cpu.usage("nonsense"), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(meminfo("MemTotal:  2 kB\nMemFree: 1 kB\n", "MemFree:"), Some(1024));
        assert_eq!(meminfo("", "MemFree:"), None);
    }
}
