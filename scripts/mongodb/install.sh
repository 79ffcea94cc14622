#!/usr/bin/env bash
# Install a server that speaks MongoDB's protocol, for the tests: FerretDB on PostgreSQL with the DocumentDB extension. No mongod can be
# had from the package registries. Nothing is installed into the system: the PostgreSQL of a newer Debian release is unpacked into a
# folder and run in a chroot, so this and run.sh want root. Safe to run again.
#
#   scripts/mongodb/install.sh        into $VOX_TEST_MONGODB (default: /var/cache/vox-test-mongodb)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
home=${VOX_TEST_MONGODB:-/var/cache/vox-test-mongodb}

FERRETDB=v2.7.0
RELEASE=forky
POSTGRES=18
# FerretDB's module asks for this version of Go at least.
GO_MINOR=25

fail() {
    echo "mongodb/install: $1" >&2
    exit 1
}

recipe="$FERRETDB $RELEASE $POSTGRES $(cat "$here/install.sh" "$here/answers.sql" | sha256sum | cut -c1-16)"
if [ "$(cat "$home/recipe" 2>/dev/null)" = "$recipe" ]; then
    exit 0
fi
[ "$(id -u)" = 0 ] || fail "run as root: the server runs in a chroot (or set TEST_MONGODB_URI to a server of your own)"
command -v apt-get >/dev/null || fail "no apt-get here; set TEST_MONGODB_URI to a server of your own"

root=$home/root
apt=$home/apt
rm -rf "$root" "$apt" "$home/recipe"
mkdir -p "$home/bin" "$home/log" "$apt/lists/partial" "$apt/cache/archives/partial" "$root"

# The packages of another release with a state of its own, from the mirror that this machine uses.
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" && $2 ~ /debian\/?$/ { print $2; exit }' /etc/apt/sources.list 2>/dev/null || true)
[ -n "$mirror" ] || fail "no Debian mirror in apt's sources; set TEST_MONGODB_URI to a server of your own"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $RELEASE main" >"$apt/sources.list"
: >"$apt/status"
from_release=(-o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
    -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Acquire::Languages=none -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o APT::Default-Release="$RELEASE"
    -o APT::Keep-Downloaded-Packages=true -o Binary::apt-get::APT::Keep-Downloaded-Packages=true)
fetch() {
    apt-get "${from_release[@]}" -qy --download-only install "$@" >>"$home/log/apt.log" 2>&1 || fail "apt-get: see $home/log/apt.log"
}
unpack() {
    local package
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1" --keep-directory-symlink \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/lib/python3*'
    done
    rm -f "$apt"/cache/archives/*.deb
}
apt-get "${from_release[@]}" -q update >"$home/log/apt.log" 2>&1 || fail "apt-get update: see $home/log/apt.log"

# Go: the machine's own when it is new enough, else the release's, unpacked for this build and removed again.
go_is_new() {
    command -v go >/dev/null && [ "$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')" -ge "$GO_MINOR" ] 2>/dev/null
}
if ! go_is_new; then
    mkdir -p "$home/go"
    fetch golang-go
    unpack "$home/go"
    GOROOT=$(echo "$home"/go/usr/lib/go-1.*)
    export GOROOT PATH="$GOROOT/bin:$PATH"
fi
GOBIN="$home/bin" GOFLAGS=-buildvcs=false GOTOOLCHAIN=local \
    go install "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@$FERRETDB" >"$home/log/go.log" 2>&1 &
building=$!

mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,etc,tmp,srv}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
fetch "postgresql-$POSTGRES-documentdb" dash tzdata
unpack "$root"
# The packages' own scripts, which are not run, would do this.
ln -s postgis-3.control "$root/usr/share/postgresql/$POSTGRES/extension/postgis.control"
chmod 1777 "$root/tmp"
ln -sf dash "$root/usr/bin/sh"
mknod -m 666 "$root/dev/null" c 1 3
printf 'root:x:0:0::/:/bin/sh\npostgres:x:7018:7018::/srv:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\npostgres:x:7018:\n' >"$root/etc/group"
install -d -o 7018 -g 7018 "$root/srv" "$root/srv/run"

# A cluster that every start copies.
inside() {
    env -i PATH="/usr/lib/postgresql/$POSTGRES/bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 \
        chroot --userspec=7018:7018 "$root" "$@"
}
inside initdb -D /srv/template -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --wal-segsize=4 \
    --set shared_buffers=64MB >"$home/log/initdb.log"
cat >>"$root/srv/template/postgresql.conf" <<'SETTINGS'
listen_addresses = ''
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
cron.use_background_workers = on
cron.log_run = off
cron.log_statement = off
max_worker_processes = 16
documentdb_core.enableCollation = on
max_connections = 200
max_wal_size = '256MB'
deadlock_timeout = '5ms'
log_lock_waits = off
dynamic_shared_memory_type = mmap
jit = off
SETTINGS
trap 'inside pg_ctl -D /srv/template -m immediate stop >/dev/null 2>&1 || true' EXIT
inside pg_ctl -D /srv/template -o "-k /srv/run" -w -l /srv/template.log start >/dev/null
cp "$here/answers.sql" "$root/srv/answers.sql"
inside psql -q -v ON_ERROR_STOP=1 -h /srv/run -U postgres -c 'SET client_min_messages = error' \
    -c 'CREATE EXTENSION documentdb CASCADE' -f /srv/answers.sql \
    -c "SELECT cron.alter_job(jobid, schedule => '2 seconds') FROM cron.job WHERE jobname = 'documentdb_ttl_task'" >"$home/log/psql.log"
inside pg_ctl -D /srv/template -m fast -w stop >/dev/null
trap - EXIT

wait "$building" || { cat "$home/log/go.log" >&2; fail "FerretDB could not be built"; }
rm -rf "$home/go" "$apt"
echo "$recipe" >"$home/recipe"
echo "mongodb/install: FerretDB $FERRETDB on PostgreSQL $POSTGRES in $home"
