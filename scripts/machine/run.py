#!/usr/bin/env python3
"""Run a directory that holds a Debian system as a machine of its own: its systemd as process 1, in namespaces of processes, mounts,
names and, if asked for, network, over the kernel of this one. For tests of packages and units. Wants root.

    scripts/machine/run.py ROOT --name NAME [--network] [--log FILE]

Prints two lines when its systemd answers, and ends the machine with standard input:

    pids systemd=N
    ready

Commands are run in it by `nsenter --target N --mount --pid --uts --ipc [--net] --root --wdns=/ COMMAND…`. Nothing of ROOT is shared
with this system but the devices that write nothing (null, zero, random); what the machine changes stays in ROOT.
"""

import argparse
import os
import pty
import signal
import subprocess
import sys
import threading
import time

# A machine that has nothing to do is up within two seconds; other tests may want the processor.
START_SECONDS = 60

SETUP = r"""
set -eu
root=$1 console=$2 name=$3
mount --rbind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    umount sys/fs/cgroup
    mount -t cgroup2 cgroup sys/fs/cgroup
else
    mkdir sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
touch dev/console
mount --bind "$console" dev/console
hostname "$name"
[ ! -d /proc/sys/net ] || ip link set lo up 2>/dev/null || true
mkdir -p old
pivot_root . old
exec chroot . /bin/sh -c 'umount -l /old && rmdir /old && mount --make-rshared /; exec env -i container=vox PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd'
"""


def fail(text):
    print(f"machine/run: {text}", file=sys.stderr)
    sys.exit(1)


def child_of(pid):
    """The process that `unshare --fork` has started: process 1 of the new machine."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
    except OSError:
        return None
    return int(children[0]) if children else None


NAMESPACES = ["--mount", "--pid", "--uts", "--ipc"]


def control_groups(name):
    """A control group of the machine's own in each hierarchy of this system, which is the root of what it sees."""
    groups = []
    with open("/proc/mounts", encoding="ascii") as mounts:
        places = [line.split()[1] for line in mounts if line.split()[2] in ("cgroup", "cgroup2")]
    for place in places:
        group = f"{place}/vox-machine-{name}-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        groups.append(group)
    return groups


def remove_groups(groups):
    """With what the machine made below them; says whether all are gone."""
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
    return not any(map(os.path.exists, groups))


def inside(pid, *command):
    enter = ["nsenter", "--target", str(pid), *NAMESPACES, "--net", "--root", "--wdns=/"]
    return subprocess.run([*enter, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def main():
    parser = argparse.ArgumentParser(description="Run a directory as a machine with systemd.")
    parser.add_argument("root")
    parser.add_argument("--name", required=True, help="its host name")
    parser.add_argument("--network", action="store_true", help="a network of its own, with nothing but loopback")
    parser.add_argument("--log", default=os.devnull, help="what its console shows")
    arguments = parser.parse_args()
    root = os.path.abspath(arguments.root)
    if os.geteuid() != 0:
        fail("run as root: namespaces and mounts are made")
    if not os.path.exists(f"{root}/lib/systemd/systemd"):
        fail(f"there is no systemd in {root}")

    console, terminal = pty.openpty()
    groups = control_groups(arguments.name)
    # One that takes no process as it is (of processors) is left.
    join = ["sh", "-c", 'for group in $0; do echo $$ >"$group/cgroup.procs" || true; done 2>/dev/null; exec "$@"', " ".join(groups)]
    unshare = [*join, "unshare", "--cgroup", *NAMESPACES, *(["--net"] if arguments.network else [])]
    unshare += ["--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"]
    machine = subprocess.Popen(
        [*unshare, "sh", "-c", SETUP, "sh", root, os.ttyname(terminal), arguments.name],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )

    def copy():
        with open(arguments.log, "ab", buffering=0) as log:
            while True:
                try:
                    log.write(os.read(console, 65536))
                except OSError:
                    return

    threading.Thread(target=copy, daemon=True).start()

    def end(status):
        machine.kill()
        machine.wait()
        # Its processes end with its first one, and not at once.
        until = time.monotonic() + 5
        while not remove_groups(groups) and time.monotonic() < until:
            time.sleep(0.05)
        sys.exit(status)

    signal.signal(signal.SIGTERM, lambda *_: end(0))
    until = time.monotonic() + START_SECONDS
    while True:
        first = child_of(machine.pid)
        state = inside(first, "systemctl", "is-system-running").stdout.strip() if first else ""
        if state in ("running", "degraded"):
            break
        if machine.poll() is not None or time.monotonic() > until:
            print(f"machine/run: {root} does not come up ({state or 'no answer'}); see {arguments.log}", file=sys.stderr)
            end(1)
        time.sleep(0.1)
    print(f"pids systemd={first}\nready", flush=True)
    sys.stdin.read()
    end(0)


main()
