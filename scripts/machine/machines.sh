# Machines of a test: started, entered, ended; read by the tests of packages. Wants root, and a mount namespace of its own, so that
# nothing of it outlives the test (`unshare --mount`).
# shellcheck shell=bash

machine_home=${VOX_TEST_MACHINE:-/var/cache/vox-test-machine}
declare -A machine_pid=() machine_end=() machine_job=()

# machine_start NAME WORK: a fresh copy of the bare system, running, with a network that has a loopback and nothing else. What it
# changes is in memory.
machine_start() {
    local name=$1 place=$2/$1
    mkdir -p "$place"
    mount -t tmpfs tmpfs "$place"
    mkdir "$place/changed" "$place/work" "$place/root" "$place/changed/etc"
    echo "$name" >"$place/changed/etc/hostname"
    mount -t overlay overlay -o "lowerdir=$machine_home/root,upperdir=$place/changed,workdir=$place/work" "$place/root"
    mount --bind "$machine_home/packages" "$place/root/srv/packages"
    # Whoever clears away here must not clear that away.
    mount -o remount,bind,ro "$place/root/srv/packages"
    machine_boot "$name" "$2"
}

# machine_boot NAME WORK: start its system, again if it was stopped.
machine_boot() {
    local name=$1 place=$2/$1 line end
    rm -f "$place/in" "$place/said"
    mkfifo "$place/in" "$place/said"
    "${BASH_SOURCE%/*}/run.py" "$place/root" --name "$name" --network --log "$place/console.log" <"$place/in" >"$place/said" &
    machine_job[$name]=$!
    exec {end}>"$place/in"
    machine_end[$name]=$end
    if ! { read -r line && read -r _; } <"$place/said"; then
        tail -n 20 "$place/console.log" >&2
        return 1
    fi
    machine_pid[$name]=${line#pids systemd=}
}

# on NAME COMMAND...: in that machine.
on() {
    local name=$1
    shift
    nsenter --target "${machine_pid[$name]}" --mount --pid --uts --ipc --net --root --wdns=/ \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# machine_link A B: a line between two machines: A is 10.77.0.1, B is 10.77.0.2.
machine_link() {
    ip link add vox-a netns "${machine_pid[$1]}" type veth peer name vox-b netns "${machine_pid[$2]}"
    local name n=0
    for name in "$1" "$2"; do
        n=$((n + 1))
        nsenter --target "${machine_pid[$name]}" --net ip address add "10.77.0.$n/24" dev "vox-$([ $n = 1 ] && echo a || echo b)"
        nsenter --target "${machine_pid[$name]}" --net ip link set "vox-$([ $n = 1 ] && echo a || echo b)" up
    done
}

# machine_stop NAME: at once, as a power cut does.
machine_stop() {
    local end=${machine_end[$1]:-}
    [ -n "$end" ] || return 0
    exec {end}>&-
    kill "${machine_job[$1]}" 2>/dev/null || true
    wait "${machine_job[$1]}" 2>/dev/null || true
    unset "machine_end[$1]" "machine_pid[$1]" "machine_job[$1]"
}
