#!/usr/bin/env bash
# Build a LiveKit server for the tests, from Go's modules: about two minutes on two processors. Nothing is installed into the system. Safe
# to run again.
#
#   scripts/livekit/install.sh        into $VOX_TEST_LIVEKIT (default: /var/cache/vox-test-livekit, or ~/.cache/… without root)
#
# Go itself is taken from the system, or, where it is older than the server asks for, fetched by the one that is there
# (GOTOOLCHAIN=auto, Go's own default).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/livekit/home.sh
. "$here/home.sh"

MODULE=github.com/livekit/livekit-server
VERSION=v1.11.0
SUM=h1:mWa8MWwn7sBi0rBvf+jdB77s98BPGr0JsCtU+6XUYEA=

fail() {
    echo "livekit/install: $1" >&2
    exit 1
}

recipe="$VERSION $SUM"
if [ "$(cat "$home/recipe" 2>/dev/null)" = "$recipe" ] && [ -x "$home/bin/livekit-server" ]; then
    exit 0
fi
command -v go >/dev/null || "$here/../install-quietly.sh" golang-go || fail "Go is missing: install it, 1.21 or newer"
mkdir -p "$home/bin" "$home/log" || fail "cannot write to $home: set VOX_TEST_LIVEKIT to a directory of yours"
work=$(mktemp -d "$home/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

cd "$work"
go mod download -json "$MODULE@$VERSION" >module.json 2>"$home/log/download.log" ||
    fail "could not download $MODULE $VERSION: check the network and Go's module proxy (its words: $home/log/download.log)"
field() {
    python3 -c 'import json, sys; print(json.load(open("module.json"))[sys.argv[1]])' "$1"
}
[ "$(field Sum)" = "$SUM" ] || fail "the module has another sum than $SUM: it is not the one that was tried"
# Within the module's own folder it is the main module: its own list of sums counts. Nothing is written there.
(
    cd "$(field Dir)"
    GOFLAGS="-mod=readonly -buildvcs=false" CGO_ENABLED=0 \
        nice -n 5 go build -trimpath -ldflags="-s -w" -o "$work/livekit-server" ./cmd/server
) 2>"$home/log/build.log" || fail "it does not build: see $home/log/build.log"
# In one step, and the note of it last: a killed installation is begun again.
rm -f "$home/recipe"
mv "$work/livekit-server" "$home/bin/livekit-server"
echo "$recipe" >"$home/recipe"
echo "livekit/install: $("$home/bin/livekit-server" --version) in $home"
