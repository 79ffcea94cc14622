#!/usr/bin/env bash
# Install what is missing and run every test. Safe to run again, and from a clean clone.
#
#   scripts/test.sh                  formatting, clippy, all tests
#   VOX_SKIP_LINT=1 scripts/test.sh  the tests alone: about a third less time from nothing
set -euo pipefail

cd "$(dirname "$0")/.."
log=${CARGO_TARGET_DIR:-target}/test.log

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

step "tools"
scripts/install-test-tools.sh

step "models"
scripts/fetch-models.sh

if [ "${VOX_SKIP_LINT:-0}" != 1 ]; then
    components
    step "formatting"
    cargo fmt --all --check
    step "clippy"
    cargo clippy --workspace --all-targets -- -D warnings
fi

# The tests of the platform start the programs they find beside themselves.
step "programs"
cargo build --workspace --bins

step "tests"
mkdir -p "$(dirname "$log")"
if ! cargo test --workspace --no-fail-fast 2>&1 | tee "$log"; then
    # Calls in real time on a machine that others use too: a test that failed gets one more try by itself, and is named.
    mapfile -t failed < <(sed -n 's/^test \([^ ]*\) .*\.\.\. FAILED$/\1/p; s/^test \([^ ]*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
    step "FAILED at the first try: ${failed[*]:-(no test: see above)}"
    if [ ${#failed[@]} -eq 0 ] || [ ${#failed[@]} -gt 5 ] ||
        ! cargo test --workspace --no-fail-fast -- --exact --test-threads 1 "${failed[@]}" 2>&1 | tee -a "$log"; then
        step "FAILED"
        echo "everything that was printed is in $log"
        exit 1
    fi
    step "passed only at the second try: ${failed[*]}"
fi

step "done"
awk '/^test result: ok/ { passed += $4; binaries += 1 }
     END { printf "%d tests passed in %d test programs\n", passed, binaries }' "$log"
