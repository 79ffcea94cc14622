#!/usr/bin/env bash
# Install nginx for the tests of several bridges behind one address: the one of the system's packages. Its service is not started. Safe
# to run again.
#
#   scripts/nginx/install.sh        as root, or with sudo
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin
if command -v nginx >/dev/null; then exit 0; fi
"$here/../install-quietly.sh" nginx-light || {
    echo "nginx/install: nginx-light could not be installed" >&2
    exit 1
}
nginx -v
