#!/bin/sh
# Install the C libraries and models of the keyless local voice and recogniser (Debian, Ubuntu).
#
#   libflite1            libflite.so.1, libflite_usenglish.so.1, libflite_cmulex.so.1 and the voices
#   libpocketsphinx3     libpocketsphinx.so.3; brings libsphinxbase3 with libsphinxbase.so.3
#   pocketsphinx-en-us   acoustic model, dictionary and language model, 37 MB
#
# Does nothing if all of them are there. `vox-engine flite --check` and `vox-engine pocketsphinx --check`
# say whether it worked.
set -eu

packages="libflite1 libpocketsphinx3 pocketsphinx-en-us"

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v apt-get >/dev/null; then
    echo "install-engines: no apt-get here; install flite 2 and pocketsphinx 0.8+5prealpha by your system's means" >&2
    exit 1
fi

missing=
for package in $packages; do
    installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "install-engines: all there: $packages"
    exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-engines: run as root: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

echo "install-engines: installing$missing"
# Word splitting is wanted: one argument per package. The index is refreshed only if it does not know them.
# shellcheck disable=SC2086
if ! apt-cache show $missing >/dev/null 2>&1; then
    $as_root apt-get update
fi
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
