#!/usr/bin/env bash
# Check and test the browser widget: types, lint, unit tests, sizes, and calls of a real Chromium with a fake microphone through a real
# platform. Needs the programs: cargo build --workspace --bins. Screenshots are in target/widget/screenshots.
#
#   scripts/widget/test.sh           everything
#   scripts/widget/test.sh --quick   without the browser
set -euo pipefail

cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
if [ "${1:-}" = --quick ]; then
    scripts/widget/install.sh --to-build
else
    scripts/widget/install.sh
fi
cd widget
export PATH=$PWD/node_modules/.bin:$PATH
tsc --noEmit
biome check --error-on-warnings .
node build.mjs
out=$target/widget/tests
rm -rf "$out" "$target/widget/screenshots"
mkdir -p "$out"
node test/build.mjs "$out"
# With 0 no LiveKit server is started, and nobody calls through one: the widget falls back to the audio socket by itself.
export VOX_TEST_WIDGET_LIVEKIT=${VOX_TEST_WIDGET_LIVEKIT:-1}
export VOX_TARGET=$target VOX_WIDGET_DIST=$PWD/dist
node --test "$out"/unit/*.mjs
[ "${1:-}" = --quick ] || node --test "$out"/browser/main.test.mjs
