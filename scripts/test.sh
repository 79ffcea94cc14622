#!/usr/bin/env bash
# Install what is missing and run every test. Safe to run again, and from a clean clone.
#
#   scripts/test.sh                  formatting, clippy, all tests
#   VOX_SKIP_LINT=1 scripts/test.sh  the tests alone: about a third less time from nothing
#
# Everything that the tests printed is in target/test.log, target/test.log.widget and target/test.log.servers, and as JUnit XML in
# target/nextest/ci/junit.xml and target/nextest/ci-servers/junit.xml.
set -euo pipefail

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
tools=$target/tools
log=$target/test.log
mkdir -p "$target"

step() {
    printf '\n== %s (after %d s)\n' "$1" "$SECONDS"
}

# A minimal toolchain has neither; with rustup they are one command away.
components() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
        return
    fi
    if ! command -v rustup >/dev/null; then
        echo "rustfmt and clippy are missing: install them, or set VOX_SKIP_LINT=1" >&2
        exit 1
    fi
    rustup component add rustfmt clippy
}

# A disk that fills up shows in the tests as servers that take nothing.
free=$(df --output=avail -BG "$target" | tail -n 1 | tr -dc '0-9')
if [ "${free:-99}" -lt 20 ] && [ ! -d "$target/debug/deps" ]; then
    echo "test.sh: $free GB are free for $target; programs and tests take about 20" >&2
fi

step "tools"
scripts/install-test-tools.sh

step "models"
scripts/fetch-models.sh

if [ "${VOX_SKIP_LINT:-0}" != 1 ]; then
    components
    step "formatting"
    cargo fmt --all --check
    step "import circles"
    scripts/check-circles.py
    step "crates of the first build"
    scripts/check-first-build.sh
fi

# The tests of the platform start the programs they find beside themselves. Built with the tests: alone they would be compiled with
# other features, and everything below them twice.
step "programs and tests"
cargo build --workspace --bins --tests

# The runner is told where the tests are: it does not ask cargo, which clippy keeps busy meanwhile. Examples have no tests, and clippy
# looks at them.
mkdir -p "$target/nextest"
built=(--binaries-metadata "$target/nextest/tests.json" --cargo-metadata "$target/nextest/workspace.json")
cargo metadata --format-version 1 >"${built[3]}"
"$tools/cargo-nextest" nextest list --workspace --tests --list-type binaries-only --message-format json >"${built[1]}"

# The tests wait more than half of their time. Clippy takes what they leave, and nothing that they want.
clippy='' package=''
trap 'kill $clippy $package 2>/dev/null || true' EXIT
if [ "${VOX_SKIP_LINT:-0}" != 1 ]; then
    nice -n 19 cargo clippy --workspace --all-targets -- -D warnings >"$target/clippy.log" 2>&1 &
    clippy=$!
fi

# Each test is a process of its own with a time-out (.config/nextest.toml). A failure is a failure: nothing is tried twice.
step "tests"
"$tools/cargo-nextest" nextest run "${built[@]}" --profile ci --no-fail-fast 2>&1 | tee "$log"

# Node and a browser talk to the programs that were built.
step "the browser widget"
scripts/widget/test.sh 2>&1 | tee "$log.widget"

# The package on a fresh Debian with systemd; all of what docs/deploy.md and docs/runbook.md say: `scripts/check-package.sh` without
# --short. Its machines wait for calls more than they compute, so they run beside what follows.
can_have_machines() {
    # shellcheck disable=SC2016  # for the shell inside
    [ "$(id -u)" = 0 ] && grep -qw cgroup2 /proc/filesystems &&
        unshare --mount --propagation private --net --pid --fork sh -ec 'place=$(mktemp -d); mount -t tmpfs none "$place"; cd "$place"
            mkdir under over work all; mount -t overlay none -o lowerdir=under,upperdir=over,workdir=work all' 2>/dev/null
}
if can_have_machines; then
    { scripts/check-package.sh --short && scripts/check-perimeter.sh; } >"$log.package" 2>&1 &
    package=$!
else
    echo "test.sh: NOT TRIED: the package and the perimeter. They want root, and a kernel that gives namespaces, overlays and control groups" >&2
fi

# The same tests of the bridge over the other set of engines: one server of each for all of them, a place of its own in each for every
# test.
step "tests of the bridge over MongoDB, Redis and S3"
# Without those that have stores of their own, those of connections, headers and other servers, which are the same over any engines, and the
# protocol in virtual time, which asks its stores some ten thousand times.
scripts/with-servers.sh "$tools/cargo-nextest" nextest run "${built[@]}" --profile ci-servers --no-fail-fast \
    -E 'binary_id(vox-bridge::it) and not test(/^(s3_|object_|engine_|mongodb_|deployments_|redis_|coordination_|services_|names_|bridges_share_|connections_|clients_|cross_origin_|oversized_|claims_|recordings_go_|route_table|tenants_have_egress|vendors_are_tried|sounds_|campaigns_are_dialled::chance::)/)' 2>&1 | tee "$log.servers"

if [ -n "$package" ]; then
    step "the package on a bare Debian 12, and the perimeter, begun beside"
    wait "$package" || {
        cat "$log.package" >&2
        exit 1
    }
    package=
    grep -E "^(==|check-)" "$log.package"
fi

# An outside tool asks the routes by the bridge's own document, with one seed; `just fuzz-api` goes through all of it, for much longer.
step "the API by its own document"
scripts/check-openapi.sh --short

if [ -n "$clippy" ]; then
    step "clippy, begun beside the tests"
    wait "$clippy" || {
        cat "$target/clippy.log" >&2
        exit 1
    }
    tail -n 1 "$target/clippy.log"
fi

# The runner above does not know the examples in the documentation.
step "examples in the documentation"
cargo test --workspace --doc 2>&1 | tee "$log.doc"

step "done"
awk '/^test result: ok/ { passed += $4 } END { printf "%d examples in the documentation passed\n", passed }' "$log.doc"
summary() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | grep -E '^ +Summary '
}
echo "of the bridge over MongoDB, Redis and S3:"
summary "$log.servers"
summary "$log"
