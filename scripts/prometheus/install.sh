#!/usr/bin/env bash
# Install promtool, which checks alert rules: out of the system's package of Prometheus, which is unpacked and not installed. Safe to
# run again.
#
#   scripts/prometheus/install.sh        into $VOX_TEST_PROMETHEUS (default: /var/cache/vox-test-prometheus, or ~/.cache/… without root)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/prometheus/home.sh
. "$here/home.sh"

fail() {
    echo "prometheus/install: $1" >&2
    exit 1
}

if [ -x "$home/promtool" ]; then exit 0; fi
command -v apt-get >/dev/null || fail "no apt-get here; put a promtool into $home"
mkdir -p "$home" || fail "cannot write to $home: set VOX_TEST_PROMETHEUS to a directory of yours"
work=$(mktemp -d "$home/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
fetch() {
    apt-get -q -o APT::Sandbox::User=root download prometheus >/dev/null 2>&1
}
# A fresh machine has no lists yet; only root may fetch them.
fetch || { apt-get -q update >/dev/null 2>&1 && fetch; } || fail "could not download the package prometheus: run apt-get update, and look at the network"
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
mv usr/bin/promtool "$home/promtool"
echo "prometheus/install: $("$home/promtool" --version 2>&1 | head -n 1)"
