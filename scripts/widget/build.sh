#!/usr/bin/env bash
# Build the browser widget into widget/dist, which the bridge serves at /widget/ (VOX_WIDGET_DIR). Installs Node.js and the
# packages where they are missing.
set -euo pipefail

cd "$(dirname "$0")/../.."
scripts/widget/install.sh --to-build
cd widget
node build.mjs
