#!/usr/bin/env bash
# Run one fresh server that speaks MongoDB's protocol, in the foreground. Prints two lines when it answers:
#
#   pids postgres=N ferretdb=N
#   ready mongodb://127.0.0.1:PORT/?directConnection=true
#
#   scripts/mongodb/run.sh [--port N] [--data NAME] [--tls DIR] [--until-eof]
#   scripts/mongodb/run.sh --remove NAME
#
# --port N      this port instead of a free one
# --data NAME   keep the data under this name and use it again; otherwise it is removed at the end. What is kept under `kept` and the id of
#               a process (`kept123`, `kept123-1`) is that process's: when it is no more, the next server that starts removes it
# --remove NAME remove what is kept under this name, and end; no server may use it
# --tls DIR     with TLS alone, and DIR/cert.pem and DIR/key.pem; it is printed as localhost
# --until-eof   end with standard input too: a parent that is killed leaves nothing behind
#
# Nothing is synced to the disk: acknowledged writes survive a killed process, and not a power cut.
# Pages go whole into the log, as PostgreSQL has it: without them the indexes of the document store are not whole again after a kill, and
# writes walk in them without an end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
. "$here/../server.sh"
remove= tls=
take_options mongodb/run "port data remove tls" "$@"
no_operands mongodb/run
home=${VOX_TEST_MONGODB:-/var/cache/vox-test-mongodb}
root=$home/root
[ -e "$home/recipe" ] || {
    echo "mongodb/run: there is no server in $home: run scripts/mongodb/install.sh" >&2
    exit 1
}

[ -z "$remove" ] || forget mongodb/run "$root/srv" "$remove"
sweep "$root"/srv/*

name=${data:-run$$}
place=$root/srv/$name
# Of a process that had this id before.
[ -n "$data" ] || rm -rf "$place"
if [ ! -d "$place/data" ]; then
    install -d -o 7018 -g 7018 "$place"
    cp -a "$root/srv/template" "$place/data"
fi
hold mongodb/run "$place"
install -d -o 7018 -g 7018 "$place/sock"
postgres_bin=$(echo "$root"/usr/lib/postgresql/*/bin)

ferretdb=
setsid env -i PATH="${postgres_bin#"$root"}:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 chroot --userspec=7018:7018 "$root" \
    postgres -D "/srv/$name/data" -k "/srv/$name/sock" -c documentdb.localhost_connection_string="host=/srv/$name/sock" \
    -c fsync=off >"$place/postgres.log" 2>&1 </dev/null &
postgres=$!
stop() {
    trap - TERM INT EXIT
    [ -z "$ferretdb" ] || kill -TERM "$ferretdb" 2>/dev/null || true
    kill -INT "$postgres" 2>/dev/null || true
    wait "$postgres" 2>/dev/null || true
    [ -z "$ferretdb" ] || wait "$ferretdb" 2>/dev/null || true
    [ -n "$data" ] || rm -rf "$place"
    exit "$1"
}
trap 'stop 0' TERM INT
trap 'stop 1' EXIT

# wait_until LOG PID COMMAND...: until the command succeeds or the process has ended.
wait_until() {
    local log=$1 process=$2
    shift 2
    for _ in $(seq 1000); do
        if "$@"; then return; fi
        kill -0 "$process" 2>/dev/null || break
        sleep 0.02
    done
    cat "$log" >&2
    exit 1
}
# Its own file, and not one that a killed server left, says so.
takes_connections() {
    [ "$(head -n 1 "$place/data/postmaster.pid" 2>/dev/null)" = "$postgres" ] && grep -q '^ready' "$place/data/postmaster.pid"
}
wait_until "$place/postgres.log" "$postgres" takes_connections

mkdir -p "$place/state"
[ "$port" != 0 ] || port=$(free_port)
listen=(--listen-addr="127.0.0.1:$port")
[ -z "$tls" ] || listen=(--listen-addr= --listen-tls="127.0.0.1:$port" --listen-tls-cert-file="$tls/cert.pem" --listen-tls-key-file="$tls/key.pem")
DO_NOT_TRACK=1 setsid "$home/bin/ferretdb" --telemetry=disable --no-auth --log-level=WARN --debug-addr=- --state-dir="$place/state" \
    "${listen[@]}" --postgresql-url="postgres://postgres@/postgres?host=$place/sock&pool_max_conns=50" \
    >"$place/ferretdb.log" 2>&1 </dev/null &
ferretdb=$!
# Which port it took: the listening socket whose inode the process holds.
listens() {
    address=$(
        for link in /proc/"$ferretdb"/fd/*; do readlink "$link" 2>/dev/null; done | sed -nE 's/^socket:\[([0-9]+)\]$/\1/p' |
            awk 'NR == FNR { held[$1] = 1; next } $4 == "0A" && ($10 in held) { split($2, at, ":"); print at[2]; exit }' - /proc/net/tcp
    )
    [ -n "$address" ]
}
wait_until "$place/ferretdb.log" "$ferretdb" listens
echo "pids postgres=$postgres ferretdb=$ferretdb"
echo "ready mongodb://$([ -n "$tls" ] && echo localhost || echo 127.0.0.1):$((16#$address))/?directConnection=true"
if $until_eof; then
    cat >/dev/null 8>&-
    stop 0
fi
wait -n "$postgres" "$ferretdb" || true
echo "mongodb/run: a server ended by itself" >&2
exit 1
