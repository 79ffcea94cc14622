#!/usr/bin/env bash
# Run one fresh S3 server in the foreground. Prints two lines when it takes objects:
#
#   pids weed=N data=DIRECTORY
#   ready http://127.0.0.1:PORT
#
#   scripts/s3/run.sh [--port N] [--data NAME] [--tls DIR] [--until-eof]
#   scripts/s3/run.sh --remove NAME
#
# --port N      this port instead of a free one
# --data NAME   keep the data under this name, or in this directory if it has a slash, and use it again; otherwise it is removed.
#               What is kept under `kept` and the id of a process (`kept123`, `kept123-1`) is that process's: when it is no more, the
#               next server that starts removes it
# --remove NAME remove what is kept under this name, and end; no server may use it
# --tls DIR     with TLS alone, and DIR/cert.pem, DIR/key.pem and DIR/ca.pem; it is printed as https://localhost:PORT
# --until-eof   end with standard input too: a parent that is killed leaves nothing behind
#
# The one key is `testkey` with the secret `testsecret`. Whoever signs nothing may do everything too: that is how a test looks behind
# the bridge's back. The server is ended by SIGKILL: in good order it takes 20 s.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/s3/home.sh
. "$here/home.sh"
# shellcheck source=scripts/server.sh
. "$here/../server.sh"
remove= tls=
take_options s3/run "port data remove tls" "$@"
no_operands s3/run
[ -e "$home/recipe" ] || {
    echo "s3/run: there is no server in $home: run scripts/s3/install.sh" >&2
    exit 1
}

[ -z "$remove" ] || forget s3/run "$home/run" "$remove"
sweep "$home"/run/*
case $data in
    */*) place=$data ;;
    *) place=$home/run/${data:-run$$} ;;
esac
# Of a process that had this id before.
[ -n "$data" ] || rm -rf "$place"
mkdir -p "$place/data"
hold s3/run "$place"

# Free ports below those that the kernel gives to whoever asks for any: it takes seconds until SeaweedFS listens, and a connection of
# another test must not get one meanwhile. It takes each of its ports and the one 10,000 above it.
free_ports() {
    python3 - "$port" <<'PORTS'
import random, socket, sys

held, chosen = [], [int(sys.argv[1])] if sys.argv[1] != "0" else []
for port in random.sample(range(10240, 16000), 1000):
    try:
        pair = []
        for number in (port, port + 10000):
            pair.append(socket.socket())
            pair[-1].bind(("127.0.0.1", number))
    except OSError:
        continue
    held += pair
    chosen.append(port)
    if len(chosen) >= 4:
        break
print(*chosen)
PORTS
}

cat >"$place/s3.json" <<'KEYS'
{"identities":[{"name":"test","credentials":[{"accessKey":"testkey","secretKey":"testsecret"}],"actions":["Admin","Read","Write","List","Tagging"]},
{"name":"anonymous","actions":["Admin","Read","Write","List","Tagging"]}]}
KEYS

weed=
stop() {
    trap - TERM INT EXIT
    [ -z "$weed" ] || kill -KILL "$weed" 2>/dev/null || true
    while [ -n "$weed" ] && kill -0 "$weed" 2>/dev/null; do sleep 0.01; done
    [ -n "$data" ] || rm -rf "$place"
    exit "$1"
}
trap 'stop 0' TERM INT
trap 'stop 1' EXIT

https=()
[ -z "$tls" ] || https=(-s3.cert.file="$tls/cert.pem" -s3.key.file="$tls/key.pem")
read -r s3 master volume filer <<<"$(free_ports)"
# Each bucket takes several volumes, which are empty files until something is stored.
# A script that is killed must not leave it behind.
setpriv --pdeathsig KILL "$home/bin/weed" server -dir="$place/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port="$master" \
    -volume.port="$volume" -filer -filer.port="$filer" -s3 -s3.port="$s3" -s3.port.iceberg=0 -s3.port.lance=0 \
    -s3.config="$place/s3.json" "${https[@]}" -master.volumeSizeLimitMB=64 -volume.max=400 -volume.minFreeSpace=16MiB -volume.preStopSeconds=0 >"$place/weed.log" 2>&1 </dev/null &
weed=$!
# The shell is silent about its end.
disown "$weed"

# The gateway listens seconds before the volumes behind it take anything: only an object that was stored shows that it is ready.
takes_objects() {
    python3 - "$s3" "$weed" "$tls" <<'READY'
import http.client, os, ssl, sys, time

port, process, until = int(sys.argv[1]), int(sys.argv[2]), time.monotonic() + 60
trusting = ssl.create_default_context(cafile=f"{sys.argv[3]}/ca.pem") if sys.argv[3] else None

def put(path):
    if trusting:
        connection = http.client.HTTPSConnection("localhost", port, timeout=5, context=trusting)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("PUT", path, body=b"ready" if path.count("/") > 1 else b"")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()

# A server that has its old data again answers 409 for the bucket.
while not (put("/ready") in (200, 409) and put("/ready/ready") == 200):
    if time.monotonic() > until:
        sys.exit(1)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        sys.exit(1)
    time.sleep(0.05)
READY
}
takes_objects || {
    tail -n 20 "$place/weed.log" >&2
    echo "s3/run: the server does not take objects; its log is above" >&2
    exit 1
}
echo "pids weed=$weed data=$place"
if [ -n "$tls" ]; then echo "ready https://localhost:$s3"; else echo "ready http://127.0.0.1:$s3"; fi
serve_until_end s3/run "$weed"
