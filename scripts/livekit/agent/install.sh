#!/usr/bin/env bash
# Install the vendor's agent for rooms, to measure it beside ours: a Python environment of its own, 600 MB. Safe to run again.
#
#   scripts/livekit/agent/install.sh DIRECTORY
#   vox-bench livekit --agent DIRECTORY
#
# Python 3.10 or newer with venv. What is installed is pinned in requirements.txt beside this.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
home=${1:?"usage: scripts/livekit/agent/install.sh DIRECTORY"}
[ $# = 1 ] || {
    echo "livekit/agent/install: one directory, not $# arguments" >&2
    exit 2
}
fail() {
    echo "livekit/agent/install: $1" >&2
    exit 1
}

pins=$(sha256sum <"$here/requirements.txt")
if [ "$(cat "$home/recipe" 2>/dev/null)" = "$pins" ] && [ -x "$home/bin/python" ]; then
    exit 0
fi
python3 -m venv "$home" || fail "python3 makes no environment in $home: install python3-venv, or name a directory of yours"
rm -f "$home/recipe"
log=$home/install.log
"$home/bin/pip" install --disable-pip-version-check --require-virtualenv -r "$here/requirements.txt" >"$log" 2>&1 ||
    fail "the packages could not be installed: see $log"
version() {
    "$home/bin/python" -c 'import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))' "$1"
}
# For the page of the benchmark.
printf 'livekit-agents %s on Python %s (`livekit` %s).\n' "$(version livekit-agents)" \
    "$("$home/bin/python" -c 'import platform; print(platform.python_version())')" "$(version livekit)" >"$home/versions"
echo "$pins" >"$home/recipe"
echo "livekit/agent/install: $(cat "$home/versions")"
