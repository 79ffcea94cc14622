#!/usr/bin/env bash
# Run one nginx on loopback in the foreground: in front of servers, each in its turn, or with the settings of a whole host
# (nginx/vox.conf.in). Prints two lines when it listens:
#
#   pids nginx=N
#   ready http://127.0.0.1:PORT
#
#   scripts/nginx/run.sh [--port N] [--until-eof] HOST:PORT...
#   scripts/nginx/run.sh [--port N] [--until-eof] --place DIR -- OPTIONS OF scripts/nginx/render.sh
#
# --port N      this port instead of a free one
# --place DIR   keep its settings (nginx.conf, vox.conf) and logs here, and do not remove them
# --until-eof   end with standard input too: a parent that is killed leaves nothing behind
#
# A whole host has two processes of nginx, so that they must count together, and takes a reload: nginx -s reload -c DIR/nginx.conf
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
. "$here/../server.sh"
place=
host=()
for ((at = 1; at <= $#; at++)); do
    if [ "${!at}" = -- ]; then
        host=("${@:at+1}")
        set -- "${@:1:at-1}"
    fi
done
take_options nginx/run "port place" "$@"
PATH=$PATH:/usr/sbin
servers=("${operands[@]}")
[ ${#host[@]} -eq 0 ] || [ ${#servers[@]} -eq 0 ] || {
    echo "nginx/run: '${servers[0]}' before the settings of a host" >&2
    exit 2
}
for server in "${servers[@]}"; do
    [[ $server == *:* ]] || {
        echo "nginx/run: '$server' is no option and no HOST:PORT" >&2
        exit 2
    }
done
[ ${#servers[@]} -gt 0 ] || [ ${#host[@]} -gt 0 ] || {
    echo "nginx/run: no servers to stand before" >&2
    exit 2
}
command -v nginx >/dev/null || {
    echo "nginx/run: there is no nginx: run scripts/nginx/install.sh" >&2
    exit 1
}

kept=true
[ -n "$place" ] || {
    kept=false
    make_place nginx
}
nginx=
stop() {
    trap - TERM INT EXIT
    # Of several processes the first ends the others.
    [ -z "$nginx" ] || kill -TERM "$nginx" 2>/dev/null || true
    while [ -n "$nginx" ] && kill -0 "$nginx" 2>/dev/null; do sleep 0.01; done
    $kept || rm -rf "$place"
    exit "$1"
}
trap 'stop 0' TERM INT
trap 'stop 1' EXIT

[ "$port" != 0 ] || port=$(free_port)
# One process is enough for servers in their turn, and ends with the script.
processes="master_process off;"
if [ ${#host[@]} -gt 0 ]; then
    processes="worker_processes 2;"
    # The workers' sockets are open to us.
    [ "$(id -u)" != 0 ] || processes+=" user root;"
    "$here/render.sh" --listen "127.0.0.1:$port" --access-log "$place/access.log" "${host[@]}" >"$place/vox.conf"
else
    cat >"$place/vox.conf" <<SERVERS
access_log off;
upstream bridges {
$(printf '    server %s max_fails=0;\n' "${servers[@]}")
    keepalive 32;
}
server {
    listen 127.0.0.1:$port;
    client_max_body_size 0;
    location / {
        proxy_pass http://bridges;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host \$host;
        proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
        # Streams of events and recordings go through as they come.
        proxy_buffering off;
        proxy_request_buffering off;
    }
}
SERVERS
fi
cat >"$place/nginx.conf" <<SETTINGS
daemon off;
$processes
pid $place/pid;
error_log $place/error.log;
events { worker_connections 1024; }
http {
    client_body_temp_path $place/body;
    proxy_temp_path $place/proxy;
    fastcgi_temp_path $place/fastcgi;
    uwsgi_temp_path $place/uwsgi;
    scgi_temp_path $place/scgi;
    include $place/vox.conf;
}
SETTINGS
setpriv --pdeathsig KILL nginx -e "$place/error.log" -c "$place/nginx.conf" -p "$place" </dev/null >/dev/null 2>&1 &
nginx=$!
disown "$nginx"
listens() {
    for _ in $(seq 1500); do
        if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        kill -0 "$nginx" 2>/dev/null || return 1
        sleep 0.02
    done
    return 1
}
listens || {
    cat "$place/error.log" >&2
    echo "nginx/run: it does not listen; its log is above" >&2
    exit 1
}
echo "pids nginx=$nginx"
echo "ready http://127.0.0.1:$port"
serve_until_end nginx/run "$nginx"
