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

# One benchmark by name: `just bench calls`, `just bench livekit`, `just bench livekit-impaired`, `just bench vendors`, `just bench pacing`, `just bench silero`, `just bench bridge`, `just bench dialler`, `just bench month`, `just bench dials`, `just bench campaigns`, `just bench amd`, `just bench amd-calls`.
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

# The pacing against simulated telephones, over so many seeds of eight hours: figures 14 to 18 of the dialler.
bench-pacing seeds="10":
    VOX_TEST_PACING_SEEDS={{ seeds }} cargo test --release -p vox-dialler --test sim -- --nocapture --test-threads 1

# Every order of events of an attempt, in millions of states: no number rings twice.
model-check:
    cargo test --release -p vox-dialler --test model -- --nocapture

# The detector: microseconds for each window, by code path.
bench-silero:
    cargo run --release -p vox-core --example silero_bench

# A campaign against a simulated carrier while diallers and bridge are killed: nobody may be rung twice.
bench-dialler *arguments:
    cargo build --release --workspace --bins
    target/release/vox-bench dialler {{ arguments }}

# Thirty days of 100,000 people in virtual time, judged by the journal alone: figure 47 of the dialler.
bench-month *arguments:
    cargo run --release -p vox-bridge --example month -- {{ arguments }}

# The protocol of an attempt in virtual time, over so many seeds: diallers that die and stand still, a bridge that dies between any two
# operations of its stores, a network that delays, loses and doubles.
bench-dials seeds="200":
    VOX_TEST_DIAL_SEEDS={{ seeds }} cargo test -p vox-bridge --test it campaigns_are_dialled::chance::whatever -- --nocapture

# What campaigns are held to (figures 1, 2, 4 to 12, 24, 39, 40, 45, 46 and 47 of the dialler): everything that can happen, for twenty minutes
# and then over seeds in virtual time; a dialler that dies in mid-call, and one that is told to end; as many dials as go; every order of
# events; a month; a dead carrier, a silent bot; an import. Some two hours on two cores. Over MongoDB and Redis, which have to be installed:
# `just bench dialler --servers --contacts 250 --seconds 240`.
bench-campaigns:
    cargo build --release --workspace --bins
    target/release/vox-bench dialler
    target/release/vox-bench dialler --handover
    target/release/vox-bench dialler --calm --diallers 1 --faults 0 --contacts 40000 --cps 100 --channels 500 --workers 500
    target/release/vox-bench dialler --ringing
    just model-check
    just bench-dials
    just bench-month
    target/release/vox-bench dialler --broken
    target/release/vox-bench dialler --import

# The bridge on either engine: config fetches, results a second, a flood of logins, lists over a million calls.
bench-bridge *arguments:
    cargo run --release -p vox-bridge --example measure -- {{ arguments }}

# Answering machines: a set of clips made here from texts and voices, and what the detector says of them. docs/benchmarks-amd.md.
bench-amd *arguments:
    scripts/amd/install.sh
    cargo run --release -p vox-amd --example amd_bench -- --markdown docs/benchmarks-amd.md {{ arguments }}

# Calls with those clips in virtual time, to the bot's first sound and the end of its message: docs/benchmarks-amd-calls.md.
bench-amd-calls *arguments:
    scripts/amd/install.sh
    cargo run --release -p vox-core --example placed_calls -- --markdown docs/benchmarks-amd-calls.md {{ arguments }}

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

# Calls in virtual time over the vendors' codecs, whose vendors fail and lie, each with a mood of its own, and whose model means harm:
# no dead line, nothing that must not be. A failure names its seed. What it counted becomes a part of docs/benchmarks.md.
bad-day conversations="10000":
    mkdir -p target
    VOX_TEST_BAD_DAYS={{ conversations }} VOX_TEST_BAD_DAYS_COUNTS={{ justfile_directory() }}/target/bad-day.json \
        cargo test -p vox-core --test it on_a_bad_day -- --nocapture
    cargo run -p vox-bench -- bad-day --counts target/bad-day.json --markdown docs/benchmarks.md

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
