#!/usr/bin/env bash
# Install packages of the system and start none of their services.
#
#   scripts/install-quietly.sh PACKAGE...        as root, or with sudo
set -euo pipefail

fail() {
    echo "install-quietly: $1" >&2
    exit 1
}

command -v apt-get >/dev/null || fail "no apt-get here; install by your system's means: $*"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root: apt-get install $*"
    as_root=(sudo)
fi
# What asks whether a service may be started gets a no (101), unless somebody has an answer of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get -q update >/dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" >/dev/null
