#!/usr/bin/env bash
# Install the telephones of the tests, SIPp and baresip, from the system's packages. Nothing of them is started. Safe to run again.
#
#   scripts/sip/install.sh        as root, or with sudo
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "sip/install: $1" >&2
    exit 1
}

packages=()
command -v sipp >/dev/null || packages+=(sip-tester)
command -v baresip >/dev/null || packages+=(baresip-core)
[ ${#packages[@]} -gt 0 ] || exit 0
"$here/../install-quietly.sh" "${packages[@]}" || fail "could not be installed: ${packages[*]}"
command -v sipp >/dev/null && command -v baresip >/dev/null || fail "the packages do not hold sipp and baresip"
echo "sip/install: sipp and baresip"
