//! What the process takes, by the names that Prometheus' own clients use. Linux says it in /proc.

use std::fs;

use super::text::{Kind, Text};

/// Ticks in a second of the times in /proc, which the kernel promises to programs (`USER_HZ`).
const TICKS: f64 = 100.0;

pub(super) fn write(text: &mut Text) {
    if let Some(seconds) = cpu() {
        text.single("process_cpu_seconds_total", Kind::Counter, "CPU time, user and system.", seconds);
    }
    if let Some(bytes) = memory() {
        text.single("process_resident_memory_bytes", Kind::Gauge, "Memory that it occupies.", bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.single("process_open_fds", Kind::Gauge, "File descriptors that are open.", open.count());
    }
}

fn cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold anything; user and system time are the 14th and 15th field.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((f64::from(user) + f64::from(system)) / TICKS)
}

fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        assert!(memory().unwrap() > 100_000);
        assert!(cpu().unwrap() < 100_000.0);
    }
}
