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

/// Whether a UDP socket of this process is bound to this port (`proc_net(5)`: each line has the local address in hexadecimal second and the
/// socket's inode tenth).
pub(crate) fn has_udp_port(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    let inode_of = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let inode = fields.get(9).filter(|_| fields[1].ends_with(&wanted))?;
        Some(format!("socket:[{inode}]"))
    };
    let sockets: Vec<String> =
        fs::read_to_string("/proc/self/net/udp").unwrap_or_default().lines().filter_map(inode_of).collect();
    let Ok(files) = fs::read_dir("/proc/self/fd") else { return false };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

/// This process's children and theirs, and so on; itself not.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let parent_of = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name in parentheses, which may hold spaces, come the state and the parent.
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        Some((pid, parent))
    };
    let all: Vec<(u32, u32)> =
        fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(parent_of).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
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

    #[test]
    fn own_sockets_are_known_by_their_ports_and_others_are_not() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(has_udp_port(port));
        drop(socket);
        assert!(!has_udp_port(port));
    }

    #[test]
    fn children_and_their_children_are_found() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut line).unwrap();
        let found = descendants(std::process::id());
        let below = descendants(shell.id());
        assert!(
            found.contains(&shell.id()) && below.len() == 1 && found.contains(&below[0]),
            "{found:?} {below:?}"
        );
        std::process::Command::new("kill").arg(below[0].to_string()).status().unwrap();
        shell.wait().unwrap();
    }
}
