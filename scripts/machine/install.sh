#!/usr/bin/env bash
# Make a bare Debian 12 for the tests of packages and units: what its installer's smallest choice has, and systemd; and beside it the
# packages that a host of Vox needs, not installed. Wants root; from the mirror that this machine's apt uses. Safe to run again.
#
#   scripts/machine/install.sh        into $VOX_TEST_MACHINE (default: /var/cache/vox-test-machine)
#
# It has: root/, the system; packages/, an archive that apt reads without a network (root/etc/apt has it and nothing else).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
home=${VOX_TEST_MACHINE:-/var/cache/vox-test-machine}
RELEASE=bookworm
# What scripts/install installs beside the package.
NEEDED=(nginx-light libflite1 libpocketsphinx3 pocketsphinx-en-us ca-certificates)

fail() {
    echo "machine/install: $1" >&2
    exit 1
}
recipe="$RELEASE $(sha256sum <"$here/install.sh" | cut -c1-16)"
if [ "$(cat "$home/recipe" 2>/dev/null)" = "$recipe" ]; then exit 0; fi
[ "$(id -u)" = 0 ] || fail "run as root: it is unpacked and run in a root of its own"
command -v apt-get >/dev/null || fail "no apt-get here"
command -v mmdebstrap >/dev/null || "$here/../install-quietly.sh" mmdebstrap
command -v apt-ftparchive >/dev/null || "$here/../install-quietly.sh" apt-utils
command -v ip >/dev/null || "$here/../install-quietly.sh" iproute2

mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" && $2 ~ /debian\/?$/ { print $2; exit }' /etc/apt/sources.list 2>/dev/null || true)
[ -n "$mirror" ] || fail "no Debian mirror in apt's sources"
rm -rf "$home/root" "$home/packages" "$home/recipe"
mkdir -p "$home/packages" "$home/log"
# The journal and what logs in are not needed; what is not read by a program is left out.
mmdebstrap --variant=minbase --include=systemd,systemd-sysv --mode=root \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    "$RELEASE" "$home/root" "deb $mirror $RELEASE main" >"$home/log/mmdebstrap.log" 2>&1 ||
    { tail -n 20 "$home/log/mmdebstrap.log" >&2; fail "mmdebstrap failed; its log is in $home/log"; }
# Only what the tests themselves leave out of the system, not what a package brings.
rm -f "$home"/root/etc/dpkg/dpkg.cfg.d/*

chroot "$home/root" apt-get -q update >"$home/log/apt.log" 2>&1 || fail "apt-get update: see $home/log/apt.log"
chroot "$home/root" apt-get -qy --no-install-recommends --download-only install "${NEEDED[@]}" >>"$home/log/apt.log" 2>&1 ||
    fail "apt-get: see $home/log/apt.log"
mv "$home"/root/var/cache/apt/archives/*.deb "$home/packages/"
(cd "$home/packages" && apt-ftparchive packages . >Packages)
rm -rf "$home"/root/var/lib/apt/lists/* "$home"/root/etc/apt/sources.list.d/*
mkdir "$home/root/srv/packages"
echo "deb [trusted=yes] file:/srv/packages ./" >"$home/root/etc/apt/sources.list"
# Units of a real machine that ask for devices and logins which are not here.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-logind.service getty.target console-getty.service \
    systemd-journal-flush.service systemd-update-utmp.service e2scrub_reap.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer fstrim.timer e2scrub_all.timer systemd-pstore.service systemd-firstboot.service; do
    ln -sf /dev/null "$home/root/etc/systemd/system/$unit"
done
echo "$recipe" >"$home/recipe"
echo "machine/install: Debian $RELEASE in $home/root, $(du -sm "$home/root" | cut -f 1) MB"
