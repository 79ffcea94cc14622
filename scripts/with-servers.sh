#!/usr/bin/env bash
# Run a command beside the servers that a deployment of several bridges stands on, one of each: MongoDB (FerretDB), Redis and S3
# (SeaweedFS). The bridge's tests that it runs are over all three.
#
#   scripts/with-servers.sh COMMAND...
#
# It finds them by TEST_MONGODB_URI, TEST_REDIS_URL and TEST_S3_URL; one that is set already is left as it is. Each test has a database,
# a numbered database and a bucket of its own there. The servers end with the command, or with this script, however that ends.
set -euo pipefail

scripts=$(cd "$(dirname "$0")" && pwd)
START_SECONDS=90
[ $# -gt 0 ] || {
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

place=$(mktemp -d "${TMPDIR:-/tmp}/vox-test-servers.XXXXXX")
mkfifo "$place/hold"
# Only this shell holds it: when it ends the servers read the end of their input.
exec 7<>"$place/hold"
finish() {
    exec 7>&-
    wait
    rm -rf "$place"
}
trap finish EXIT

# serve NAME VARIABLE: start this one, unless the variable names another.
serve() {
    [ -z "${!2:-}" ] || return 0
    "$scripts/$1/run.sh" --until-eof <"$place/hold" >"$place/$1" 7>&- &
    local server=$! address
    for _ in $(seq $((START_SECONDS * 10))); do
        address=$(sed -n 's/^ready //p' "$place/$1")
        if [ -n "$address" ]; then
            export "$2=$address"
            return 0
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "with-servers: $1 does not answer; what is wrong is told above" >&2
    exit 1
}
serve mongodb TEST_MONGODB_URI
serve redis TEST_REDIS_URL
serve s3 TEST_S3_URL

# Which test has which place of them is written down where they are, and goes with them.
TEST_PLACES="$place" VOX_TEST_ENGINES=servers "$@" 7>&-
