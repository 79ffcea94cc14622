#!/usr/bin/env bash
# Fuzz every route by the bridge's own OpenAPI document with an outside tool (schemathesis): no answer may be a 5xx, a status that
# the document does not name, or a body of another shape. Starts a bridge of its own on a free port, as an administrator, as a
# worker and as a stranger, and ends with 1 if something is found.
#
#     scripts/check-openapi.sh [SECONDS_EACH]      default: 60; needs target/debug/vox-bridge
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
target=${CARGO_TARGET_DIR:-target}
tool="schemathesis==4.32.5"
venv=$target/tools/schemathesis
bridge=$target/debug/vox-bridge
[ -x "$bridge" ] || { echo "check-openapi: build the bridge first: cargo build -p vox-bridge" >&2; exit 1; }

if ! "$venv/bin/schemathesis" --version 2>/dev/null | grep -q " ${tool##*==}\$"; then
    python3 -m venv "$venv" || { echo "check-openapi: python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$tool"
fi

work=$(mktemp -d)
secret=$(head -c 32 /dev/urandom | base64)
tools=$(head -c 32 /dev/urandom | base64)
# No limits: a fuzzer asks thousands of times a minute.
env -i PATH="$PATH" JWT_SECRET="$(head -c 48 /dev/urandom | base64 -w 0)" VOXCORE_SECRET="$secret" VOX_TOOLS_SECRET="$tools" \
    VOX_DATA_DIR="$work/data" VOX_BRIDGE_ADDR=127.0.0.1:0 VOX_BRIDGE_METRICS_LISTEN=127.0.0.1:0 VOX_PARENT_DEATH=1 LOG_LEVEL=error \
    VOX_REQUESTS_PER_MINUTE=1000000 VOX_REQUESTS_AT_ONCE=1000 VOX_TENANT_REQUESTS_PER_MINUTE=1000000 VOX_TENANT_REQUESTS_AT_ONCE=1000 \
    "$bridge" --ready-file "$work/ready.json" >"$work/bridge.log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null || true; wait $pid 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
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

# What would end the fuzzer's own session or its tenant; streams, which have no end; what answers 503 because no worker and no
# telephone line is there; and bodies that are no JSON.
out='logout|auth/me|/stream|/events$|/tenants|settings/keys|/fleet/reservations$|dialout$|/v1/calls$|/sync$|internal/recordings'
found=0
fuzz() {
    local name=$1
    shift
    echo "check-openapi: as $name"
    "$venv/bin/schemathesis" run "$url/openapi.json" --no-color --max-time "$seconds" --continue-on-failure --request-timeout 30 \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --phases examples,coverage,fuzzing --exclude-path-regex "$out" --generation-database none "$@" >"$work/$name.txt" 2>&1 ||
        { cat "$work/$name.txt"; found=1; }
    tail -3 "$work/$name.txt"
}
fuzz admin --header "Authorization: Bearer $token"
fuzz worker --header "X-VoxCore-Secret: $secret" --include-path-regex '/config/|call-results|/internal/|/fleet/|/sip/'
fuzz stranger --header "Authorization: Bearer of-nobody"
exit $found
