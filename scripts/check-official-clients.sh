#!/usr/bin/env bash
# Prove the scripted vendors against the vendors' own Python clients.
# Needs python3 with venv, and access to a Python package index; everything it makes is under target/.
set -euo pipefail

cd "$(dirname "$0")/.."
venv=target/official-clients
official=testkit/official
work=$(mktemp -d)
servers=()

stop_servers() {
    for pid in "${servers[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap stop_servers EXIT

cargo build --quiet -p vox-testkit --bin vox-testkit
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$official/requirements.txt"

# start NAME ARGUMENTS...: run a scripted vendor and leave its address in $url.
start() {
    local name=$1
    shift
    "${CARGO_TARGET_DIR:-target}/debug/vox-testkit" serve "$@" >"$work/$name.json" &
    servers+=($!)
    for _ in $(seq 100); do
        [ -s "$work/$name.json" ] && break
        sleep 0.05
    done
    url=$("$venv/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["url"])' "$work/$name.json")
}

key=official-check-key
start deepgram deepgram --api-key "$key" --script "$official/deepgram.json"
"$venv/bin/python" "$official/check_deepgram.py" "$url" "$key"

start failing openai --api-key "$key" --status 429 --fail-first 1 --retry-after-ms 200
failing=$url
start openai openai --api-key "$key" --script "$official/openai.json"
"$venv/bin/python" "$official/check_openai.py" "$url" "$key" "$failing"

start overloaded anthropic --api-key "$key" --status 429 --fail-first 1 --retry-after-ms 200
failing=$url
start anthropic anthropic --api-key "$key" --script "$official/anthropic.json"
"$venv/bin/python" "$official/check_anthropic.py" "$url" "$key" "$failing"

start gemini gemini --api-key "$key" --script "$official/gemini.json"
"$venv/bin/python" "$official/check_gemini.py" "$url" "$key" testkit/src/vendor/gemini/account_key.der

start elevenlabs elevenlabs --api-key "$key"
"$venv/bin/python" "$official/check_elevenlabs.py" "$url" "$key"

start flux flux --api-key "$key" --script "$official/flux.json"
"$venv/bin/python" "$official/check_flux.py" "$url" "$key"

start soniox soniox --api-key "$key" --script "$official/soniox.json"
"$venv/bin/python" "$official/check_soniox.py" "$url" "$key"

start assemblyai assemblyai --api-key "$key" --script "$official/assemblyai.json"
"$venv/bin/python" "$official/check_assemblyai.py" "$url" "$key"

start transcription transcription --api-key "$key" --script "$official/transcription.json"
"$venv/bin/python" "$official/check_transcription.py" "$url" "$key"

start cartesia cartesia --api-key "$key"
"$venv/bin/python" "$official/check_cartesia.py" "$url" "$key"

start aura aura --api-key "$key"
"$venv/bin/python" "$official/check_aura.py" "$url" "$key"

start bulbul bulbul --api-key "$key"
"$venv/bin/python" "$official/check_bulbul.py" "$url" "$key"

start soniox-voices soniox-voices --api-key "$key"
"$venv/bin/python" "$official/check_soniox_voices.py" "$url" "$key"

start speech speech --api-key "$key"
"$venv/bin/python" "$official/check_speech.py" "$url" "$key"

echo "all official clients work against the scripted vendors"
