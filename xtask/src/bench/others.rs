//! What others do on this machine while something is measured: figures of a busy machine are not to be trusted as they
//! are, and whoever reads them must be told.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::getpid;
use serde_json::{Value, json};

use super::usage;

/// Others may have this part of the machine: the kernel's own threads, and what cannot be kept off any system.
const QUIET: f64 = 0.05;

/// The kernel counts the time of the whole machine in ticks of so many milliseconds (`USER_HZ`).
const TICK: u64 = 10;

/// Watches from its start on, in laps.
pub(super) struct Watch {
    processors: usize,
    load: [f64; 2],
    start: Counters,
    last: Counters,
    laps: Vec<Lap>,
}

/// A part of what is measured.
struct Lap {
    name: String,
    others: Share,
}

/// All that was counted so far.
#[derive(Clone, Copy)]
struct Counters {
    at: Instant,
    machine: Machine,
    /// CPU time of this process, and of all that it has started.
    own: Duration,
}

/// What all processors did not do. The kernel measures for how long they were idle, but looks only at each tick what they
/// work at: it misses a seventh of what wakes and sleeps in between, as a server and its load do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Machine {
    idle: Duration,
    /// The host of a virtual machine gave this to somebody else.
    stolen: Duration,
}

/// Which part of the machine others had.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    here: f64,
    /// By way of the host.
    stolen: f64,
}

impl Watch {
    pub(super) fn start() -> Result<Self> {
        let now = Counters::now()?;
        let processors = std::thread::available_parallelism()?.get();
        Ok(Self { processors, load: [load_average()?; 2], start: now, last: now, laps: Vec::new() })
    }

    /// Ends a lap. Others who came for a moment show in it, and would not in the whole.
    pub(super) fn lap(&mut self, name: &str) -> Result<()> {
        let now = Counters::now()?;
        self.laps.push(Lap { name: name.to_owned(), others: now.since(&self.last, self.processors) });
        self.last = now;
        self.load[1] = load_average()?;
        Ok(())
    }

    fn whole(&self) -> Share {
        self.last.since(&self.start, self.processors)
    }

    /// The laps in which others had more of the machine than they may.
    fn busy_laps(&self) -> impl Iterator<Item = &Lap> {
        self.laps.iter().filter(|lap| lap.others.sum() > QUIET)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy_laps().next().is_some()
    }

    pub(super) fn print(&self) {
        let whole = self.whole();
        let [before, after] = self.load;
        println!("load average {before:.2} at the start, {after:.2} at the end");
        println!(
            "others used {:.1} % of the machine, its host gave {:.1} % to others",
            whole.here * 100.0,
            whole.stolen * 100.0,
        );
        let busy: Vec<String> =
            self.busy_laps().map(|lap| format!("{} ({:.0} %)", lap.name, lap.others.sum() * 100.0)).collect();
        if !busy.is_empty() {
            println!(
                "THE MACHINE WAS BUSY: others had more than {:.0} % of it during {}. These figures are not to be trusted \
                 as they are; measure again when it is quiet.",
                QUIET * 100.0,
                busy.join(", "),
            );
        }
    }

    pub(super) fn raw(&self) -> Value {
        let share = |share: Share| json!({ "here": share.here, "stolen": share.stolen });
        json!({
            "busy": self.is_busy(),
            "busy_above": QUIET,
            "load_average": { "start": self.load[0], "end": self.load[1] },
            "share_of_others": share(self.whole()),
            "laps": self.laps.iter().map(|lap| json!({ "name": lap.name, "others": share(lap.others) }))
                .collect::<Vec<_>>(),
        })
    }
}

impl Counters {
    fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("this needs Linux's /proc")?;
        let machine = Machine::read(&stat).context("no line of all processors in /proc/stat")?;
        // Children that have ended are counted once they were waited for, the others by their own clocks.
        let ended = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let ended: Duration = [ended.user_time(), ended.system_time()]
            .iter()
            .map(|time| Duration::from_micros(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0)))
            .sum();
        Ok(Self { at: Instant::now(), machine, own: usage::cpu(getpid().as_raw())? + ended })
    }

    fn since(&self, before: &Self, processors: usize) -> Share {
        let whole = self.at.saturating_duration_since(before.at).as_secs_f64() * processors as f64;
        let seconds = |now: Duration, before: Duration| now.saturating_sub(before).as_secs_f64();
        let stolen = seconds(self.machine.stolen, before.machine.stolen);
        let idle = seconds(self.machine.idle, before.machine.idle);
        let others = whole - idle - stolen - seconds(self.own, before.own);
        let part = |time: f64| if whole > 0.0 { time.max(0.0) / whole } else { 0.0 };
        Share { here: part(others), stolen: part(stolen) }
    }
}

impl Machine {
    /// Reads the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. Who waits for a disk is
    /// idle, too.
    fn read(stat: &str) -> Option<Self> {
        let fields = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = fields.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
        let &[_, _, _, idle, waiting, _, _, stolen] = ticks.as_slice() else { return None };
        let time = |ticks: u64| Duration::from_millis(ticks * TICK);
        Some(Self { idle: time(idle + waiting), stolen: time(stolen) })
    }
}

impl Share {
    fn sum(self) -> f64 {
        self.here + self.stolen
    }
}

/// Processes that ran or wanted to, over the last minute.
fn load_average() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    text.split_whitespace().next().and_then(|first| first.parse().ok()).context("no load average")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  600 10 200 5000 40 0 30 7 99 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";

    #[test]
    fn waiting_for_a_disk_is_no_work() {
        let millis = Duration::from_millis;
        assert_eq!(Machine::read(STAT), Some(Machine { idle: millis(50_400), stolen: millis(70) }));
        assert_eq!(Machine::read("intr 1 2 3"), None);
        assert_eq!(Machine::read("cpu  600 10 200"), None);
    }

    #[test]
    fn what_we_did_ourselves_is_not_done_by_others() {
        let start = Instant::now();
        let seconds = Duration::from_secs;
        let at = |second, idle, stolen, own| Counters {
            at: start + seconds(second),
            machine: Machine { idle: seconds(idle), stolen: seconds(stolen) },
            own: seconds(own),
        };
        // Ten seconds of two processors: four idle, one stolen, and of the others twelve for us.
        let share = at(10, 104, 8, 12).since(&at(0, 100, 7, 0), 2);
        assert_eq!(share, Share { here: 0.15, stolen: 0.05 });
        // Clocks are not read all at once: if there is less left than we had, nobody else had anything.
        assert_eq!(at(10, 109, 7, 12).since(&at(0, 100, 7, 0), 2).here, 0.0);
    }

    #[test]
    fn one_busy_lap_makes_the_whole_busy() {
        let mut watch = Watch::start().unwrap();
        let lap = |name: &str, here, stolen| Lap { name: name.to_owned(), others: Share { here, stolen } };
        watch.laps.extend([lap("first", 0.02, 0.01), lap("second", 0.0, 0.04)]);
        assert!(!watch.is_busy());
        watch.laps.extend([lap("third", 0.03, 0.03), lap("fourth", 0.0, 0.0)]);
        assert!(watch.is_busy());
        assert_eq!(watch.busy_laps().map(|lap| lap.name.as_str()).collect::<Vec<_>>(), ["third"]);
    }
}
