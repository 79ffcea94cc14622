#!/usr/bin/env bash
# Fuzz every route by the bridge's own OpenAPI document with an outside tool (schemathesis): no answer may be a 5xx, a status that
# the document does not name, or a body of another shape. Starts a bridge of its own on a free port, as an administrator, as a
# worker and as a stranger, and ends with 1 if something is found.
#
#     scripts/check-openapi.sh [SECONDS]    as each of the three; default: 300. Needs target/debug/vox-bridge
#     scripts/check-openapi.sh --short      for every run of the tests: 60 s as an administrator, 20 s as a worker, with one seed
#
# It tells how many routes were reached in time. The tool is installed from the Python package index below target/tools; it wants pip
# and nothing of the system.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --short ]; then
    short=true seed=1 phases=fuzzing more=(--max-examples 1 --workers 2)
else
    short=false seed=$RANDOM phases=examples,coverage,fuzzing more=()
fi
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tool="schemathesis==4.32.5"
home=$target/tools/schemathesis
bridge=$target/debug/vox-bridge
[ -x "$bridge" ] || { echo "check-openapi: build the bridge first: cargo build -p vox-bridge" >&2; exit 1; }

# The note of it is last: a killed installation is begun again.
if [ "$(cat "$home/recipe" 2>/dev/null)" != "$tool" ]; then
    rm -rf "$home"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$home" "$tool" ||
        { echo "check-openapi: could not install $tool: check pip, the network and pip's package index" >&2; exit 1; }
    echo "$tool" >"$home/recipe"
fi

work=$(mktemp -d)
# The tool leaves what it found where it stands.
cd "$work"
secret=$(head -c 32 /dev/urandom | base64)
tools=$(head -c 32 /dev/urandom | base64)
# No limits: a fuzzer asks thousands of times a minute.
env -i PATH="$PATH" JWT_SECRET="$(head -c 48 /dev/urandom | base64 -w 0)" VOXCORE_SECRET="$secret" VOX_TOOLS_SECRET="$tools" \
    VOX_DATA_DIR="$work/data" VOX_BRIDGE_ADDR=127.0.0.1:0 VOX_BRIDGE_METRICS_LISTEN=127.0.0.1:0 VOX_PARENT_DEATH=1 LOG_LEVEL=error \
    VOX_REQUESTS_PER_MINUTE=1000000 VOX_REQUESTS_AT_ONCE=1000 VOX_TENANT_REQUESTS_PER_MINUTE=1000000 VOX_TENANT_REQUESTS_AT_ONCE=1000 \
    "$bridge" --ready-file "$work/ready.json" >"$work/bridge.log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null || true; wait $pid 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 600); do
    [ -s "$work/ready.json" ] && break
    kill -0 $pid || { cat "$work/bridge.log" >&2; exit 1; }
    sleep 0.1
done

field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/ready.json" "$1"; }
url=$(field bridge_url)
token=$(python3 - "$url" "$(field admin_email)" "$(field admin_password)" <<'PY'
import json, sys, urllib.request
url, email, password = sys.argv[1:]
body = json.dumps({"email": email, "password": password}).encode()
request = urllib.request.Request(url + "/api/v1/auth/login", body, {"content-type": "application/json"})
print(json.load(urllib.request.urlopen(request))["access_token"])
PY
)

# What would end the fuzzer's own session or its tenant; streams, which have no end; what answers 503 because no worker, no
# telephone line and no LiveKit is there; and bodies that are no JSON.
out='logout|auth/me|/stream|/events$|/tenants|settings/keys|/fleet/reservations$|dialout$|/v1/calls$|/sync$|livekit/webhook|internal/recordings'
found=0
fuzz() {
    local name=$1 seconds=$2
    shift 2
    echo "check-openapi: as $name, seed $seed"
    PYTHONPATH=$home "$home/bin/schemathesis" run "$url/openapi.json" --no-color --seed "$seed" --max-time "$seconds" \
        --continue-on-failure --request-timeout 30 --phases "$phases" "${more[@]}" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --exclude-path-regex "$out" --generation-database none "$@" >"$work/$name.txt" 2>&1 ||
        { cat "$work/$name.txt"; found=1; }
    grep -E '^  ((Selected|Tested): |[0-9]+ generated)' "$work/$name.txt" || {
        cat "$work/$name.txt"
        echo "check-openapi: nothing was tested as $name" >&2
        found=1
    }
}
ours='/config/|call-results|/internal/|/fleet/|/sip/'
if $short; then
    fuzz admin 60 --header "Authorization: Bearer $token"
    fuzz worker 20 --header "X-VoxCore-Secret: $secret" --include-path-regex "$ours"
else
    fuzz admin "${1:-300}" --header "Authorization: Bearer $token"
    fuzz worker "${1:-300}" --header "X-VoxCore-Secret: $secret" --include-path-regex "$ours"
    fuzz stranger "${1:-300}" --header "Authorization: Bearer of-nobody"
fi
exit $found
