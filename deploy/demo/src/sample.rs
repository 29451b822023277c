//! The machine's own CPU and memory, as line protocol.

use std::fs;
use std::time::Duration;

/// How often the machine is looked at.
pub const EVERY: Duration = Duration::from_secs(1);

/// Where the lines are written to.
pub const WRITE: &str = "/write?db=demo&rp=autogen";

/// The counters of `/proc/stat` at the last look.
#[derive(Default)]
pub struct Cpu {
    busy: u64,
    all: u64,
}

/// How the machine is at one moment.
pub struct Sample {
    /// Percent of the time since the last look that the processors were busy.
    usage: f64,
    /// Bytes of memory in use, of those that there are.
    used: u64,
    total: u64,
}

/// Looks at the machine; nothing at the first look, which has no difference to show.
pub fn look(cpu: &mut Cpu) -> Option<Sample> {
    let usage = cpu.usage(&fs::read_to_string("/proc/stat").ok()?)?;
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let (total, available) = (meminfo(&memory, "MemTotal:")?, meminfo(&memory, "MemAvailable:")?);
    Some(Sample { usage, used: total.saturating_sub(available), total })
}

impl Sample {
    /// A line of CPU and a line of memory; `time` in nanoseconds since 1970.
    pub fn lines(&self, host: &str, time: Option<u128>) -> String {
        let Sample { usage, used, total } = self;
        let percent = *used as f64 * 100.0 / *total as f64;
        let time = time.map_or_else(String::new, |time| format!(" {time}"));
        format!(
            "cpu,host={host} usage={usage}{time}\nmem,host={host} used={used}i,used_percent={percent}{time}\n"
        )
    }
}

/// This machine's name, fit for a tag.
pub fn host() -> Result<String, String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    name.map(|name| tag(name.trim())).map_err(|error| format!("cannot read this machine's name: {error}"))
}

/// Text as a value of a tag, without what line protocol gives a meaning to.
pub fn tag(text: &str) -> String {
    text.replace(|c: char| " ,=\\".contains(c) || c.is_control(), "_")
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
    fn lines_carry_host_and_time() {
        let sample = Sample { usage: 12.5, used: 1, total: 4 };
        let expected = "cpu,host=a_b usage=12.5 7\nmem,host=a_b used=1i,used_percent=25 7\n";
        assert_eq!(sample.lines(&tag("a b"), Some(7)), expected);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(meminfo("MemTotal:  2 kB\nMemFree: 1 kB\n", "MemFree:"), Some(1024));
        assert_eq!(meminfo("", "MemFree:"), None);
    }
}
