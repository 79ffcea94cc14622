#!/usr/bin/env bash
# Run one fresh Redis server on loopback, in the foreground. Prints two lines when it answers:
#
#   pids redis=N
#   ready redis://127.0.0.1:PORT
#
#   scripts/redis/run.sh [--port N] [--password WORD] [--until-eof]
#
# --port N         this port instead of a free one
# --password WORD  ask for it; the printed address does not hold it
# --until-eof      end with standard input too: a parent that is killed leaves nothing behind
#
# It has 256 numbered databases: each test of a run may have one. Nothing is kept: a server that is killed has forgotten everything, as
# one without persistence has.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
. "$here/../server.sh"
take_options redis/run "port password" "$@"
no_operands redis/run
command -v redis-server >/dev/null || {
    echo "redis/run: there is no redis-server: run scripts/redis/install.sh" >&2
    exit 1
}

place=$(mktemp -d "${TMPDIR:-/tmp}/vox-test-redis.XXXXXX")
redis=
stop() {
    trap - TERM INT EXIT
    [ -z "$redis" ] || kill -KILL "$redis" 2>/dev/null || true
    while [ -n "$redis" ] && kill -0 "$redis" 2>/dev/null; do sleep 0.01; done
    rm -rf "$place"
    exit "$1"
}
trap 'stop 0' TERM INT
trap 'stop 1' EXIT

# Between the look for a free port and its use somebody else may take it: then another one is tried.
start() {
    local at=$port
    [ "$at" != 0 ] || at=$(free_port)
    # In a file: everybody can read a command line.
    {
        printf 'bind 127.0.0.1\nport %s\ndir %s\ndatabases 256\nsave ""\nappendonly no\ndaemonize no\n' "$at" "$place"
        [ -z "$password" ] || printf 'requirepass %s\n' "$password"
    } >"$place/redis.conf"
    # A script that is killed must not leave it behind.
    setpriv --pdeathsig KILL redis-server "$place/redis.conf" >"$place/redis.log" 2>&1 </dev/null &
    redis=$!
    disown "$redis"
    for _ in $(seq 500); do
        if grep -q 'Ready to accept connections' "$place/redis.log"; then
            taken=$at
            return
        fi
        kill -0 "$redis" 2>/dev/null || return 1
        sleep 0.02
    done
    return 1
}
started=false
for _ in 1 2 3; do
    if start; then
        started=true
        break
    fi
    [ "$port" = 0 ] || break
done
$started || {
    cat "$place/redis.log" >&2
    echo "redis/run: the server does not answer; its log is above" >&2
    exit 1
}
echo "pids redis=$redis"
echo "ready redis://127.0.0.1:$taken"
serve_until_end redis/run "$redis"
