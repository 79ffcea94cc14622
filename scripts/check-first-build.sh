#!/usr/bin/env bash
# Hold the time from clone to first call: it is nearly all compilation, so the crates that `scripts/run.sh` compiles have a limit.
# What a first call does not need (a store on a server, a carrier's stack) stands behind a default feature of its crate, which
# `scripts/run.sh` leaves out.
set -euo pipefail
cd "$(dirname "$0")/.."

# About 0.7 s each on two cores, with what there is already.
MOST_CRATES=300

crates=$(cargo tree --locked -e normal,build --prefix none --no-default-features -p vox-cli -p vox-bridge -p vox-core -p vox-engines |
    sed 's/ (\*)$//' | sort -u | wc -l)
if [ "$crates" -gt "$MOST_CRATES" ]; then
    echo "check-first-build: the first call compiles $crates crates, and $MOST_CRATES are the most: put what it does not need" \
        "behind a default feature" >&2
    exit 1
fi
echo "the first call compiles $crates crates of at most $MOST_CRATES"
