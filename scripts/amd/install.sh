#!/usr/bin/env bash
# Install what the set of answering machines' clips is made with, from the system's packages: two speech synthesisers, recorded prompts of
# a PBX, and the codec of mobile telephones. For `just bench amd` alone; no test needs it. Safe to run again.
#
#   scripts/amd/install.sh        as root, or with sudo
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "amd/install: $1" >&2
    exit 1
}

prompts=/usr/share/asterisk/sounds/en_US_f_Allison
packages=()
command -v flite >/dev/null || packages+=(flite)
command -v espeak-ng >/dev/null || packages+=(espeak-ng)
command -v sox >/dev/null || packages+=(sox libsox-fmt-base)
[ -d "$prompts" ] || packages+=(asterisk-core-sounds-en-wav)
[ ${#packages[@]} -gt 0 ] || exit 0
"$here/../install-quietly.sh" "${packages[@]}" || fail "could not be installed: ${packages[*]}"
command -v flite >/dev/null && command -v espeak-ng >/dev/null && command -v sox >/dev/null ||
    fail "the packages do not hold flite, espeak-ng and sox"
echo "amd/install: flite, espeak-ng, sox and recorded prompts"
