//! What a server's processes have used, as the kernel counts it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::ClockId;
use nix::unistd::Pid;

/// CPU time of a process and of those it has started, to the nanosecond; threads that have ended count too.
pub(crate) fn cpu(process: i32) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for id in family(process)? {
        // One that has just ended has no clock any more.
        let Ok(clock) = ClockId::pid_cpu_clock_id(Pid::from_raw(id)) else { continue };
        sum += clock.now().map(Duration::from).unwrap_or_default();
    }
    Ok(sum)
}

/// Memory of a process and of those it has started, in bytes: pages that several share count once (`Pss`).
pub(crate) fn memory(process: i32) -> Result<u64> {
    let mut sum = 0;
    for id in family(process)? {
        let Ok(text) = fs::read_to_string(format!("/proc/{id}/smaps_rollup")) else { continue };
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss in smaps_rollup")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        sum += kilobytes * 1024;
    }
    Ok(sum)
}

/// Bytes that the kernel says a process and those it has started have had written to the disk.
pub(crate) fn written(process: i32) -> Result<u64> {
    io(process, "write_bytes:")
}

/// Bytes that had to be read from the disk for them.
pub(crate) fn read(process: i32) -> Result<u64> {
    io(process, "read_bytes:")
}

fn io(process: i32, name: &str) -> Result<u64> {
    let mut sum = 0;
    for id in family(process)? {
        let Ok(text) = fs::read_to_string(format!("/proc/{id}/io")) else { continue };
        let value = text.lines().find_map(|line| line.strip_prefix(name)).context("a counter is not in io")?;
        sum += value.trim().parse::<u64>()?;
    }
    Ok(sum)
}

/// A process and all that it has started, by their ids.
pub(crate) fn family(process: i32) -> Result<Vec<i32>> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("this needs Linux's /proc")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that has just ended has no file any more.
        if let Some(parent) = parent_of(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut family = Vec::new();
    let mut ahead = vec![process];
    while let Some(id) = ahead.pop() {
        ahead.extend(children.remove(&id).unwrap_or_default());
        family.push(id);
    }
    Ok(family)
}

/// The fourth field of `stat`; the second is a name that may hold spaces and brackets.
fn parent_of(process: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(memory(own).unwrap() > 0);
        assert!(written(own).is_ok() && read(own).is_ok());
        let before = cpu(own).unwrap();
        thread::spawn(|| (0..1000).for_each(|_| drop(fs::read_to_string("/proc/self/stat")))).join().unwrap();
        let busy = cpu(own).unwrap() - before;
        assert!(busy > Duration::from_micros(100), "the thread that has ended took more than {busy:?}");
    }

    #[test]
    fn a_family_has_its_members() {
        let own = i32::try_from(std::process::id()).unwrap();
        let parent = parent_of(own).unwrap();
        assert!(family(parent).unwrap().contains(&own));
        assert!(!family(own).unwrap().contains(&parent));
    }
}
