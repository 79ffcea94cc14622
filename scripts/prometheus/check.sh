#!/usr/bin/env bash
# Check the alert rules: that they are rules, and that each fires when it should and not before.
#
#   scripts/prometheus/check.sh
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/prometheus/home.sh
. "$here/home.sh"
[ -x "$home/promtool" ] || {
    echo "prometheus/check: there is no promtool in $home: run scripts/prometheus/install.sh" >&2
    exit 1
}
cd "$here/../../ops/prometheus"
"$home/promtool" check config prometheus.yml
"$home/promtool" check rules alerts.yml
"$home/promtool" test rules alerts_test.yml
