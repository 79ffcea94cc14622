//! What the kernel tells of processes: processor time and memory, from `/proc`.

use std::{fs, time::Duration};

use serde::Serialize;

/// The kernel counts processor time in `/proc` in hundredths of a second on every architecture (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads (fields 14 and 15 of `proc_pid_stat(5)`), to 10 ms; `None` for a process that is
/// gone, or where the system does not tell.
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces; after it comes field 3.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
    Some(TICK * (ticks(14)? + ticks(15)?))
}

/// Time on a processor of the threads that are alive, to a nanosecond: for times too short for [`cpu_time`].
pub(crate) fn cpu_time_of_threads(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let time = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Some(Duration::from_nanos(threads.flatten().filter_map(time).sum()))
}

/// Memory that is resident, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    /// Pages that no other process maps: what the process costs.
    pub(crate) private: u64,
    /// Pages of programs, libraries and mapped files that others map too.
    pub(crate) shared: u64,
}

/// What the process holds now (`smaps_rollup`).
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    Some(parse_memory(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?))
}

fn parse_memory(rollup: &str) -> Memory {
    let mut memory = Memory::default();
    for line in rollup.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(Ok(kib))) = (words.next(), words.next().map(str::parse::<u64>)) else {
            continue;
        };
        match name {
            "Private_Clean:" | "Private_Dirty:" => memory.private += kib * 1024,
            "Shared_Clean:" | "Shared_Dirty:" => memory.shared += kib * 1024,
            _ => {}
        }
    }
    memory
}

/// Processor time of the whole machine, all cores together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MachineTime {
    /// Programs, kernel and interrupts.
    pub(crate) busy: Duration,
    /// Wanted, while a virtual machine's host gave the processor to others.
    pub(crate) stolen: Duration,
}

/// What the machine has used since it was started.
pub(crate) fn machine_time() -> Option<MachineTime> {
    parse_machine(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line of `proc_stat(5)`: user, nice, system, idle, iowait, irq, softirq, steal.
fn parse_machine(stat: &str) -> Option<MachineTime> {
    let mut words = stat.lines().next()?.split_whitespace();
    if words.next() != Some("cpu") {
        return None;
    }
    let ticks: Vec<u32> = words.map_while(|word| word.parse().ok()).collect();
    let busy: u32 = [0, 1, 2, 5, 6].iter().filter_map(|&field| ticks.get(field)).sum();
    Some(MachineTime { busy: TICK * busy, stolen: TICK * ticks.get(7).copied().unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_shared_pages_are_told_apart() {
        let rollup = "5581-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  900 kB\nShared_Clean:  500 kB\n\
                      Shared_Dirty:  20 kB\nPrivate_Clean:  80 kB\nPrivate_Dirty:  300 kB\nSwap: 0 kB\n";
        assert_eq!(parse_memory(rollup), Memory { private: 380 * 1024, shared: 520 * 1024 });
    }

    #[test]
    fn idle_time_is_not_busy_and_stolen_time_stands_by_itself() {
        let stat = "cpu  100 20 30 99999 888 4 5 6 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        let (busy, stolen) = (Duration::from_millis(1_590), Duration::from_millis(60));
        assert_eq!(parse_machine(stat), Some(MachineTime { busy, stolen }));
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(cpu_time(pid).is_some() && cpu_time_of_threads(pid).is_some());
        assert!(memory(pid).is_some_and(|memory| memory.private > 0));
    }
}
