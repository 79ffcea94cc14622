#!/usr/bin/env bash
# Run one fresh Redis server on loopback, in the foreground. Prints two lines when it answers:
#
#   pids redis=N
#   ready redis://127.0.0.1:PORT
#
#   scripts/redis/run.sh [--port N] [--password WORD] [--tls DIR] [--until-eof]
#
# --port N         this port instead of a free one
# --tls DIR        with TLS alone, and DIR/cert.pem and DIR/key.pem; it is printed as rediss://localhost:PORT
# --password WORD  ask for it; the printed address does not hold it
# --until-eof      end with standard input too: a parent that is killed leaves nothing behind
#
# It has 256 numbered databases: each test of a run may have one. Nothing is kept: a server that is killed has forgotten everything, as
# one without persistence has.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
. "$here/../server.sh"
tls=
take_options redis/run "port password tls" "$@"
no_operands redis/run
command -v redis-server >/dev/null || {
    echo "redis/run: there is no redis-server: run scripts/redis/install.sh" >&2
    exit 1
}

make_place redis
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
        if [ -n "$tls" ]; then
            printf 'port 0\ntls-port %s\ntls-cert-file %s/cert.pem\ntls-key-file %s/key.pem\ntls-auth-clients no\n' "$at" "$tls" "$tls"
        else
            printf 'port %s\n' "$at"
        fi
        printf 'bind 127.0.0.1\ndir %s\ndatabases 256\nsave ""\nappendonly no\ndaemonize no\n' "$place"
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
if [ -n "$tls" ]; then echo "ready rediss://localhost:$taken"; else echo "ready redis://127.0.0.1:$taken"; fi
serve_until_end redis/run "$redis"
