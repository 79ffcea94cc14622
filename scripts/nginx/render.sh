#!/usr/bin/env bash
# Write nginx's settings for one host of Vox to standard output: nginx/vox.conf.in with the host's own values.
#
#   scripts/nginx/render.sh --workers 16 --name calls.example.org --certificate /etc/vox/tls > /etc/nginx/conf.d/vox.conf
#
# --workers N          workers of the host (16)
# --sockets DIR        where they listen: 1.sock, 2.sock, … (/run/vox-core)
# --prefix TEXT        of these names, as the workers' ids have it: TEXT1.sock, TEXT2.sock, … (none)
# --bridge ADDR        a bridge, HOST:PORT; may be given more than once (127.0.0.1:8080)
# --no-bridge          this host has workers alone: what is for a bridge is answered 503
# --worker-ports N     with a certificate: worker number I also answers on port N+I, with TLS, for bridges and workers of other hosts
#                      (--internal): set its VOXCORE_ADVERTISE to that address (none)
# --name HOST          the host's name (_)
# --certificate DIR    has fullchain.pem and privkey.pem; without it, plain HTTP: for an edge before it that ends TLS, and for tests
# --listen ADDR        (443 with a certificate, else 127.0.0.1:8000)
# --redirect ADDR      with a certificate: where plain HTTP is led to it, and ACME is answered (80)
# --internal ADDR      who may use the routes between workers and bridges, an address or a network; may be given more than once
#                      (127.0.0.1, and what comes over a socket of this host)
# --edge ADDR          a proxy before this one, which says who the client is; may be given more than once (none)
# --api N              requests a second and client address (50), a burst of four times as many
# --logins N           logins a minute and client address (60)
# --access-log FILE    (/var/log/nginx/vox.log)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
template=$here/../../nginx/vox.conf.in
PATH=$PATH:/usr/sbin
workers=16 sockets=/run/vox-core name=_ certificate= listen= redirect_from=80 api=50 logins=60 worker_ports= prefix= access_log=/var/log/nginx/vox.log
bridges=() internal=() edges=()
fail() {
    echo "nginx/render: $1" >&2
    exit 2
}
no_bridge=false
while [ $# -gt 0 ]; do
    if [ "$1" = --no-bridge ]; then
        no_bridge=true
        shift
        continue
    fi
    [ $# -ge 2 ] || fail "$1 needs a value"
    case $1 in
        --workers) workers=$2 ;;
        --sockets) sockets=$2 ;;
        --prefix) prefix=$2 ;;
        --bridge) bridges+=("$2") ;;
        --name) name=$2 ;;
        --certificate) certificate=$2 ;;
        --listen) listen=$2 ;;
        --redirect) redirect_from=$2 ;;
        --internal) internal+=("$2") ;;
        --edge) edges+=("$2") ;;
        --api) api=$2 ;;
        --logins) logins=$2 ;;
        --worker-ports) worker_ports=$2 ;;
        --access-log) access_log=$2 ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done
number() {
    [[ $2 =~ ^[1-9][0-9]*$ ]] || fail "$1 must be a whole number above 0, not '$2'"
}
number --workers "$workers"
number --api "$api"
number --logins "$logins"
# Nothing of these may end a directive.
word() {
    [[ $2 =~ ^[][A-Za-z0-9_./:*-]+$ ]] || fail "$1: '$2' has characters that an address, a name or a path here has not"
}
if $no_bridge; then
    [ ${#bridges[@]} -eq 0 ] || fail "--no-bridge and --bridge contradict each other"
    # nginx wants a server in each group; nobody is asked.
    bridges=("127.0.0.1:1 down")
fi
[ ${#bridges[@]} -gt 0 ] || bridges=(127.0.0.1:8080)
if [ -n "$worker_ports" ]; then
    number --worker-ports "$worker_ports"
    [ $((worker_ports + workers)) -le 65535 ] || fail "--worker-ports: $worker_ports and $workers workers are more than there are ports"
    [ -n "$certificate" ] || fail "--worker-ports wants --certificate: without TLS workers answer on a port of their own (VOXCORE_ADDR)"
fi
[ ${#internal[@]} -gt 0 ] || internal=(127.0.0.1 ::1)
for value in "$sockets" "$name" "$access_log" "$redirect_from" ${prefix:+"$prefix"} ${certificate:+"$certificate"} ${listen:+"$listen"} "${bridges[@]% down}" "${internal[@]}" "${edges[@]}"; do
    word "a value" "$value"
done

# Version 1.29.7 began to keep connections to upstreams: a worker must not see what is left of an earlier call's.
keepalive_off=
version=$(nginx -v 2>&1 | sed -n 's|.*nginx/\([0-9.]*\).*|\1|p' || true)
if [ -n "$version" ] && [ "$(printf '%s\n1.29.7\n' "$version" | sort -V | head -n 1)" = 1.29.7 ]; then
    keepalive_off='    keepalive 0;'
fi

tls= redirect= hsts=
if [ -n "$certificate" ]; then
    : "${listen:=443}"
    listen="$listen ssl http2"
    tls="    ssl_certificate $certificate/fullchain.pem;
    ssl_certificate_key $certificate/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:vox_tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
    add_header Strict-Transport-Security \"max-age=31536000\" always;"
    # Where a location sets a header, those of the server are not inherited.
    hsts='        add_header Strict-Transport-Security "max-age=31536000" always;'
    redirect="server {
    listen $redirect_from;
    server_name $name;
    server_tokens off;
    # Certificates by ACME: point the client's webroot here.
    location ^~ /.well-known/acme-challenge/ {
        root /var/lib/vox-acme;
        default_type text/plain;
    }
    location / {
        return 301 https://\$host\$request_uri;
    }
}"
fi
# The same settings of TLS for the workers' own ports, before the edges', which are not before these.
of_a_worker=
worker_port() {
    lines 'server {
    listen %s ssl;
    server_name %s;
    server_tokens off;
%s
%s
    deny all;
    access_log %s vox;
    # Recordings come from here.
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_read_timeout 660s;
    proxy_buffering off;
    # Never asked twice: an order that was sent may have been taken.
    proxy_next_upstream off;
    location / {
        proxy_pass http://unix:%s/%s.sock;
        error_page 502 504 = @vox_failed;
    }
    location @vox_failed {
        internal;
        default_type application/json;
        if ($vox_order = sent) {
            return 502 %s;
        }
        return 503 %s;
    }
}
' "$((worker_ports + $1))" "$name" "$tls" "$(lines '    allow %s;\n' "${internal[@]}")" "$access_log" "$sockets" "$prefix$1" \
    "'{\"error\":\"worker_lost\"}'" "'{\"error\":\"worker_unavailable\"}'"
}
# lines FORMAT VALUE...
lines() {
    # shellcheck disable=SC2059  # the format is ours
    printf "$@"
}
if [ -n "$worker_ports" ]; then
    for ((n = 1; n <= workers; n++)); do of_a_worker+=$(worker_port "$n")$'\n'; done
fi
for edge in "${edges[@]}"; do
    tls+="
    set_real_ip_from $edge;"
done
if [ ${#edges[@]} -gt 0 ]; then
    tls+="
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;"
fi
: "${listen:=127.0.0.1:8000}"

sockets_of() {
    local n
    for ((n = 1; n <= workers; n++)); do lines "    server unix:$sockets/%s.sock$1 max_fails=0;\n" "$prefix$n"; done
}

# Errors of nginx itself are JSON, as the programs' are. A location that has one error page inherits none.
bridge_errors='        error_page 413 = @vox_too_large;
        error_page 429 = @vox_too_many;
        error_page 502 504 = @vox_away;'

fill() {
    local text
    text=$(<"$template")
    while [ $# -gt 0 ]; do
        text=${text//"@$1@"/$2}
        shift 2
    done
    printf '%s\n' "$text"
}
fill \
    WORKERS_OF_ONE_CALL "$(sockets_of ' max_conns=1')" \
    WORKERS "$(sockets_of '')" \
    WORKER_COUNT "$workers" \
    KEEPALIVE_OFF "$keepalive_off" \
    BRIDGES "$(lines '    server %s max_fails=0;\n' "${bridges[@]}")" \
    INTERNAL "$(lines '        allow %s;\n' "${internal[@]}")" \
    BRIDGE_ERRORS "$bridge_errors" \
    API_PER_SECOND "$api" \
    API_BURST "$((api * 4))" \
    LOGINS_PER_MINUTE "$logins" \
    REDIRECT "$redirect" \
    LISTEN "$listen" \
    NAME "$name" \
    TLS "$tls" \
    HSTS "$hsts" \
    WORKER_PORTS "$of_a_worker" \
    ACCESS_LOG "$access_log" |
    cat -s
