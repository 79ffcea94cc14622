# The recipes for every day. `just` lists them.

default:
    @just --list --unsorted

# Packages, models, a quick build, platform, one spoken call.
setup:
    scripts/run.sh

# The platform on this machine, until Ctrl-C.
run *arguments:
    cargo build --release --workspace --bins
    target/release/vox up {{ arguments }}

# Everything that CI runs.
test:
    scripts/test.sh

# Formatting and clippy, without building programs.
lint:
    cargo fmt --all --check
    scripts/check-circles.py
    scripts/check-first-build.sh
    cargo clippy --workspace --all-targets -- -D warnings

fmt:
    cargo fmt --all

# One benchmark by name: `just bench calls`, `just bench livekit`, `just bench livekit-impaired`, `just bench vendors`, `just bench silero`, `just bench bridge`.
bench name *arguments:
    just bench-{{ name }} {{ arguments }}

# Real workers and sockets, scripted vendors: the table of docs/benchmarks.md.
bench-calls *arguments:
    cargo build --release --workspace --bins
    cargo build --release -p vox-core --example silero_bench
    target/release/vox-bench calls --markdown docs/benchmarks.md {{ arguments }}

# Calls in LiveKit rooms beside the same over a WebSocket: the table of docs/benchmarks-livekit.md. With `--agent DIRECTORY` beside the
# vendor's own agent too, which `scripts/livekit/agent/install.sh DIRECTORY` installs.
bench-livekit *arguments:
    cargo build --release --workspace --bins
    scripts/livekit/install.sh
    target/release/vox-bench livekit --markdown docs/benchmarks-livekit.md {{ arguments }}

# Calls with each vendor in turn, over TLS: docs/benchmarks-vendors.md.
bench-vendors *arguments:
    cargo build --release --workspace --bins
    target/release/vox-bench vendors --markdown docs/benchmarks-vendors.md {{ arguments }}

# Calls in LiveKit rooms on bad networks: what is understood, what is resumed, how they end. docs/benchmarks-impaired.md.
bench-livekit-impaired *arguments:
    cargo build --release --workspace --bins
    scripts/livekit/install.sh
    scripts/install-engines.sh
    target/release/vox-bench livekit --impair --markdown docs/benchmarks-impaired.md {{ arguments }}

# The detector: microseconds for each window, by code path.
bench-silero:
    cargo run --release -p vox-core --example silero_bench

# The bridge on either engine: config fetches, results a second, a flood of logins, lists over a million calls.
bench-bridge *arguments:
    cargo run --release -p vox-bridge --example measure -- {{ arguments }}

# Races of twenty tasks at two bridges over MongoDB, Redis and S3: so many rounds of each over HTTP, four times as many of each at the stores.
races rounds="500":
    cargo build --workspace --bins --tests
    scripts/install-test-tools.sh
    VOX_TEST_RACES={{ rounds }} scripts/with-servers.sh target/tools/cargo-nextest nextest run --workspace --profile races \
        -E 'binary_id(vox-bridge::it) and test(/twenty_(who|that|runners|tasks|requests)|at_two_bridges|no_station_has_more|race_for_the_last/)'

# kill -9 of workers and bridge at random instants; prints what was lost and what was doubled.
kill rounds="100":
    cargo build --release --workspace --bins
    target/release/vox-bench kill --rounds {{ rounds }}

# Calls in virtual time whose vendors fail, each with a mood of its own: no dead line. A failure names its seed.
bad-day conversations="10000":
    VOX_TEST_BAD_DAYS={{ conversations }} cargo test -p vox-core --test it on_a_bad_day -- --nocapture

# Fuzz every route by the bridge's own OpenAPI document, as three senders: no 5xx, no answer that it does not name.
fuzz-api seconds="300":
    cargo build -p vox-bridge
    scripts/check-openapi.sh {{ seconds }}

# Fuzz one parser: `ls fuzz/fuzz_targets`. Needs cargo-fuzz and a nightly toolchain.
fuzz target seconds="60":
    mkdir -p fuzz/corpus/{{ target }}
    cargo +nightly fuzz run {{ target }} fuzz/corpus/{{ target }} fuzz/seeds/{{ target }} -- -max_total_time={{ seconds }}

# The browser widget into widget/dist, for the bridge to serve.
widget:
    scripts/widget/build.sh

# Its tests, in a real browser.
widget-test:
    cargo build --workspace --bins
    scripts/widget/test.sh

# A Debian package of the release programs, in target/package.
package *arguments:
    cargo build --release --workspace --bins
    scripts/package {{ arguments }}

# All that docs/deploy.md and docs/runbook.md say, on fresh machines with systemd. As root; some minutes.
package-check:
    cargo build --workspace --bins
    scripts/check-package.sh
    scripts/check-perimeter.sh

# The crates' own documentation.
doc:
    cargo doc --workspace --no-deps --document-private-items

# Licences, advisories, banned crates. Needs cargo-deny.
deny:
    cargo deny check

# The vendors' own clients against the scripted vendors.
official-clients:
    scripts/check-official-clients.sh
