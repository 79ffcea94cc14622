#!/usr/bin/env bash
# Run one LiveKit server on loopback, in the foreground. Prints three lines when it answers:
#
#   pids livekit=N
#   keys KEY SECRET
#   ready ws://127.0.0.1:PORT
#
#   scripts/livekit/run.sh [--port N] [--udp N] [--tcp N] [--secret WORD] [--redis HOST:PORT] [--webhook URL]
#                          [--proxy ADDRESS] [--until-eof]
#
# --port N        this port instead of a free one
# --udp N         media over this UDP port instead of a free one
# --tcp N         media over TCP too, at this port (0: a free one). The server takes it on every address of the machine, not on
#                 loopback alone: without this option there is none
# --secret WORD   instead of one made for this run: a server that is started again must know its clients' tokens
# --redis HOST:PORT  keep rooms, trunks and rules there: without Redis there is nothing for telephones
# --webhook URL   tell what happens there, signed with the key below
# --proxy ADDRESS  tell clients that media is at this address of loopback (127.0.0.2, say) instead of 127.0.0.1, where it is: for a
#                 proxy at the same UDP port there. The server answers then and asks nobody (ICE lite), so that no packet goes around it
# --until-eof     end with standard input too: a parent that is killed leaves nothing behind
#
# One node. Without --redis rooms are in its memory, and SIP is not there.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
. "$here/../server.sh"
# shellcheck source=scripts/livekit/home.sh
. "$here/home.sh"
udp=0
tcp=
secret=
redis=
webhook=
proxy=
take_options livekit/run "port udp tcp secret redis webhook proxy" "$@"
no_operands livekit/run
[ -x "$home/bin/livekit-server" ] || {
    echo "livekit/run: there is no LiveKit server in $home: run scripts/livekit/install.sh" >&2
    exit 1
}

place=$(mktemp -d "${TMPDIR:-/tmp}/vox-test-livekit.XXXXXX")
livekit=
stop() {
    trap - TERM INT EXIT
    [ -z "$livekit" ] || kill -KILL "$livekit" 2>/dev/null || true
    while [ -n "$livekit" ] && kill -0 "$livekit" 2>/dev/null; do sleep 0.01; done
    rm -rf "$place"
    exit "$1"
}
trap 'stop 0' TERM INT
trap 'stop 1' EXIT

free_udp_port() {
    python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
[ -n "$secret" ] || secret=$(python3 -c 'import secrets; print(secrets.token_hex(24))')

# Between the look for free ports and their use somebody else may take them: then others are tried.
start() {
    local at=$port media=$udp stream=${tcp:-0}
    [ "$at" != 0 ] || at=$(free_port)
    [ "$media" != 0 ] || media=$(free_udp_port)
    [ "$tcp" != 0 ] || stream=$(free_port)
    umask 077
    cat >"$place/livekit.yaml" <<SETTINGS
port: $at
bind_addresses: [127.0.0.1]
prometheus_port: 0
rtc:
  tcp_port: $stream
  udp_port: $media
  node_ip: ${proxy:-127.0.0.1}
  use_ice_lite: $([ -n "$proxy" ] && echo true || echo false)
  use_external_ip: false
  enable_loopback_candidate: true
  ips:
    includes: [127.0.0.1/32]
keys:
  vox: $secret
room:
  auto_create: true
  empty_timeout: 30
  departure_timeout: 2
logging:
  level: info
  pion_level: error
SETTINGS
    [ -z "$redis" ] || printf 'redis:\n  address: %s\n' "$redis" >>"$place/livekit.yaml"
    [ -z "$webhook" ] || printf 'webhook:\n  api_key: vox\n  urls: ["%s"]\n' "$webhook" >>"$place/livekit.yaml"
    # A script that is killed must not leave it behind.
    setpriv --pdeathsig KILL "$home/bin/livekit-server" --config "$place/livekit.yaml" >"$place/livekit.log" 2>&1 </dev/null &
    livekit=$!
    disown "$livekit"
    for _ in $(seq 500); do
        if (: <"/dev/tcp/127.0.0.1/$at") 2>/dev/null; then
            taken=$at
            return
        fi
        kill -0 "$livekit" 2>/dev/null || return 1
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
    tail -n 20 "$place/livekit.log" >&2
    echo "livekit/run: the server does not answer; its last words are above" >&2
    exit 1
}
echo "pids livekit=$livekit"
echo "keys vox $secret"
echo "ready ws://127.0.0.1:$taken"
serve_until_end livekit/run "$livekit"
