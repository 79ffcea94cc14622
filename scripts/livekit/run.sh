#!/usr/bin/env bash
# Run one LiveKit server on loopback, in the foreground. Prints three lines when it answers:
#
#   pids livekit=N
#   keys KEY SECRET
#   ready ws://127.0.0.1:PORT
#
#   scripts/livekit/run.sh [--port N] [--udp N] [--tcp N] [--secret WORD] [--redis HOST:PORT] [--webhook URL]
#                          [--proxy ADDRESS] [--turn udp|tcp|tls] [--certificate FILE] [--named WHO] [--rooms made|beforehand] [--until-eof]
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
# --turn WAY       a TURN server too, the LiveKit server's own, on loopback at a free port; clients are told of it. WAY is how they reach
#                 it: udp, tcp or tls
# --certificate FILE  with --turn tls: its certificate and the key of it, both in PEM
# --named WHO      clients are told of one more TURN server, whatever is there: udp,HOST,PORT,USER,PASSWORD (or tcp, or tls); PORT may be
#                 `own`, that of --turn
# --rooms WHEN     made (the default): a room is made for whoever joins it; beforehand: only those are there that were made by the API, as
#                 campaigns want it
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
turn=
certificate=
named=
rooms=made
take_options livekit/run "port udp tcp secret redis webhook proxy turn certificate named rooms" "$@"
no_operands livekit/run
[ -x "$home/bin/livekit-server" ] || {
    echo "livekit/run: there is no LiveKit server in $home: run scripts/livekit/install.sh" >&2
    exit 1
}

make_place livekit
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

# What opens the server's own TURN: it gives each participant something like this, and here everybody the same. The numbers are those of
# a base-62 that has a letter less for some bits.
turn_credentials() {
    python3 - "$secret" <<'PYTHON'
import hashlib, string, sys

LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits


def base62(data):
    number, left = int.from_bytes(data, "big"), len(data) * 8
    out = ""
    while left > 0:
        bits, size = number & 63, 6
        if bits & 30 == 30:
            if left > 6 or bits > 31:
                size = 5
            bits &= 31
        out += LETTERS[bits]
        number >>= size
        left -= size
    return out


who = "PA_relay"
print(base62(f"vox|{who}".encode()), base62(hashlib.sha256(f"{sys.argv[1]}|{who}".encode()).digest()))
PYTHON
}

# What the configuration says of TURN: the server's own, and the list of those that clients are told of.
turn_section=
turn_servers=
settle_turn() {
    local protocol host at= user word server
    local -a named_servers=()
    turn_section='' turn_servers=''
    [ -z "$turn" ] || turn_section="turn: {enabled: true, bind_addresses: [127.0.0.1], domain: turn.invalid"
    case $turn in
        '') ;;
        udp)
            at=$(free_port)
            turn_section+=", udp_port: $at}"
            ;;
        tcp | tls)
            at=$(free_port)
            turn_section+=", tls_port: $at"
            if [ "$turn" = tls ]; then
                turn_section+=", cert_file: $certificate, key_file: $certificate}"
            else
                turn_section+=", external_tls: true}"
            fi
            # The server itself would say turns:turn.invalid:443.
            read -r user word < <(turn_credentials)
            named_servers+=("$turn,127.0.0.1,$at,$user,$word")
            ;;
        *)
            echo "livekit/run: --turn takes udp, tcp or tls" >&2
            exit 2
            ;;
    esac
    [ -z "$named" ] || named_servers+=("${named/,own,/,$at,}")
    [ ${#named_servers[@]} -eq 0 ] || turn_servers="turn_servers:"
    for server in "${named_servers[@]}"; do
        IFS=, read -r protocol host at user word <<<"$server"
        turn_servers+=$'\n    - '"{host: $host, port: $at, protocol: $protocol, username: $user, credential: $word}"
    done
}

[ -n "$secret" ] || secret=$(python3 -c 'import secrets; print(secrets.token_hex(24))')

# Between the look for free ports and their use somebody else may take them: then others are tried.
start() {
    local at=$port media=$udp stream=${tcp:-0}
    [ "$at" != 0 ] || at=$(free_port)
    [ "$media" != 0 ] || media=$(free_port)
    [ "$tcp" != 0 ] || stream=$(free_port)
    settle_turn
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
  $turn_servers
$turn_section
keys:
  vox: $secret
room:
  auto_create: $([ "$rooms" = made ] && echo true || echo false)
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
