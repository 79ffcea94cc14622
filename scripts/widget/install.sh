#!/usr/bin/env bash
# Install what building and testing the browser widget needs: Node.js with npm, Chromium for the tests, and the packages of
# widget/package-lock.json. Safe to run again.
#
#   scripts/widget/install.sh              all of it
#   scripts/widget/install.sh --to-build   without Chromium
set -euo pipefail

cd "$(dirname "$0")/../.."

fail() {
    echo "widget/install: $1" >&2
    exit 1
}

case ${1:-} in
    --to-build) browser=false ;;
    "") browser=true ;;
    *) fail "unknown option $1" ;;
esac

# Debian 12 has 18: the bundler and the tests want no more.
NODE=18
packages=()
if ! command -v node >/dev/null; then packages+=(nodejs); fi
if ! command -v npm >/dev/null; then packages+=(npm); fi
if $browser && [ ! -x "${VOX_TEST_CHROMIUM:-/usr/bin/chromium}" ]; then
    [ -z "${VOX_TEST_CHROMIUM:-}" ] || fail "VOX_TEST_CHROMIUM names no program: $VOX_TEST_CHROMIUM"
    packages+=(chromium)
fi
if [ ${#packages[@]} -gt 0 ]; then
    echo "widget/install: installing ${packages[*]}"
    scripts/install-quietly.sh "${packages[@]}" || fail "could not install ${packages[*]}"
fi
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge "$NODE" ] || fail "Node.js $NODE or newer is needed, here is $major"

# The note is last: a killed installation is begun again.
lock=$(sha256sum widget/package-lock.json | cut -d ' ' -f 1)
if [ "$(cat widget/node_modules/.vox-lock 2>/dev/null)" != "$lock" ]; then
    (cd widget && npm ci --no-audit --no-fund --loglevel=error) ||
        fail "npm could not install the packages: check the network and npm's registry"
    echo "$lock" >widget/node_modules/.vox-lock
fi
