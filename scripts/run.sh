#!/usr/bin/env bash
# From a fresh Debian or Ubuntu with a Rust toolchain to a played call: installs what is missing, builds, starts the whole
# platform and talks to a bot. No key, no server.
#
#   scripts/run.sh [--once] [--data-dir DIR] [options of `vox up`]
#
# Afterwards the platform keeps running until Ctrl-C; with --once it is stopped after the call. Safe to run again: what is
# there is kept, and a platform that already runs on the data directory is used as it is.
set -euo pipefail

cd "$(dirname "$0")/.."

# For the platform to come up, seconds.
START_SECONDS=60

once=false
data_dir=vox-data
options=()
while [ $# -gt 0 ]; do
    case $1 in
        --once) once=true ;;
        --data-dir)
            data_dir=${2:?--data-dir needs a directory}
            shift
            ;;
        --help | -h)
            sed -n '2,8s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *) options+=("$1") ;;
    esac
    shift
done

say() {
    printf '\n==> %s\n' "$1"
}

fail() {
    printf 'run: %s\n' "$1" >&2
    exit 1
}

# A compiler with the C library's headers (TLS and SQLite have parts in C), and pip for the models.
missing_packages() {
    if ! command -v cc >/dev/null || ! printf '#include <stdio.h>\n' | cc -E - >/dev/null 2>&1; then
        printf 'gcc libc6-dev '
    fi
    command -v python3 >/dev/null || printf 'python3 '
    python3 -m pip --version >/dev/null 2>&1 || printf 'python3-pip '
    [ -e /etc/ssl/certs/ca-certificates.crt ] || printf 'ca-certificates '
}

install_packages() {
    local packages as_root=
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || fail "install these by your system's means and run again: $packages"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run as root: apt-get install $packages"
        as_root=sudo
    fi
    say "Installing $packages"
    $as_root apt-get update
    # shellcheck disable=SC2086  # one argument per package
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages
}

command -v cargo >/dev/null || fail "cargo is missing: install the Rust toolchain from https://rustup.rs"
install_packages
say "Local voice and recogniser"
scripts/install-engines.sh
say "Models"
scripts/fetch-models.sh
say "Building"
# Only what a call needs (scripts/check-first-build.sh holds it), with a profile that compiles in a third of the time.
# `cargo build --release` is for production.
cargo build --profile quick --no-default-features --bins -p vox-cli -p vox-bridge -p vox-core -p vox-engines
vox=${CARGO_TARGET_DIR:-target}/quick/vox

call() {
    say "A call: the appointment reminder"
    "$vox" call appointment-reminder --data-dir "$data_dir" --save "$data_dir/first-call" \
        --say "yes I can" --say "no thank you"
    say "Listen to it: $data_dir/first-call/recording.wav (left the caller, right the bot)"
}

# The lock is held as long as a platform runs.
if [ -e "$data_dir/run/up.json" ] && ! flock --nonblock "$data_dir/run/lock" true; then
    say "A platform already runs on $data_dir; it is used"
    call
    exit 0
fi

ready=$(mktemp -d)/ready.json
platform=
cleanup() {
    [ -z "$platform" ] || kill -TERM "$platform" 2>/dev/null || true
    rm -rf "$(dirname "$ready")"
}
trap cleanup EXIT
# Ctrl-C reaches the platform too, which then stops in order; this script waits for it.
trap 'true' INT
trap '[ -z "$platform" ] || kill -TERM "$platform"' TERM HUP

say "Starting the platform"
"$vox" up --data-dir "$data_dir" --ready-file "$ready" "${options[@]}" &
platform=$!

# Wait for the platform to end; a signal interrupts the wait and not the platform.
wait_for_end() {
    local status=0
    while kill -0 "$platform" 2>/dev/null; do
        status=0
        wait "$platform" || status=$?
    done
    platform=
    return "$status"
}

for _ in $(seq $((START_SECONDS * 10))); do
    [ ! -e "$ready" ] || break
    kill -0 "$platform" 2>/dev/null || fail "the platform did not start; see above"
    sleep 0.1
done
[ -e "$ready" ] || fail "the platform was not ready within $START_SECONDS s; see $data_dir/logs"

status=0
call || status=$?
if $once; then
    kill -TERM "$platform"
    wait_for_end
    exit "$status"
fi
say "The platform keeps running; Ctrl-C stops it. It is built to be here soon: for real calls, build it with cargo build --release"
wait_for_end
