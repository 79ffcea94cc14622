#!/usr/bin/env bash
# Install a Redis server for the tests: the one of the system's packages, version 7 or newer. Its service is not started. Safe to run again.
#
#   scripts/redis/install.sh        as root, or with sudo
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# The oldest whose scripts and access rules were run.
MAJOR=7

fail() {
    echo "redis/install: $1" >&2
    exit 1
}

is_new() {
    command -v redis-server >/dev/null && [ "$(redis-server --version | sed -E 's/.*v=([0-9]+).*/\1/')" -ge "$MAJOR" ]
}
if is_new; then exit 0; fi
"$here/../install-quietly.sh" redis-server || fail "redis-server could not be installed"
is_new || fail "the system's redis-server is older than $MAJOR: install a newer one"
echo "redis/install: $(redis-server --version | cut -d' ' -f3)"
