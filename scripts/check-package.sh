#!/usr/bin/env bash
# The package on a fresh Debian 12 with systemd as process 1: installed by the docs' own commands, called, upgraded under a call, rolled
# back, backed up and restored, drained, removed and purged; and two machines that are scaled by load. Wants root and the programs of a
# build; takes some ten minutes, nearly all of it calls that are spoken in their own time.
#
#   scripts/check-package.sh [--profile debug] [--short]
#
# --short   installing, one call, an upgrade under a call, removal: what every run of the tests has time for
# shellcheck disable=SC2016  # what is for the machines' own shells
set -euo pipefail

if [ "${1:-}" != --inside ]; then
    cd "$(dirname "$0")/.."
    scripts/machine/install.sh
    # Mounts and machines go with this process.
    exec unshare --mount --propagation private "$PWD/scripts/check-package.sh" --inside "$@"
fi
shift
short=false profile=debug
while [ $# -gt 0 ]; do
    case $1 in
        --short) short=true ;;
        --profile)
            profile=$2
            shift
            ;;
        *) echo "check-package: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done
repo=$PWD
# shellcheck source=scripts/machine/machines.sh
. "$repo/scripts/machine/machines.sh"
work=$(mktemp -d)
cleanup() {
    local name
    for name in "${!machine_end[@]}"; do machine_stop "$name"; done
    umount --recursive --lazy "$work"/voice-* 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
fail() {
    echo "check-package: $1" >&2
    local name
    for name in "${!machine_pid[@]}"; do
        on "$name" journalctl --no-pager -n 200 -o cat 2>/dev/null | grep -v -e '"answered"' -e '^Reached' -e '^Starting' -e '^Started' | tail -n 30 | sed "s/^/$name: /" >&2 || true
    done
    exit 1
}
step() {
    printf '== %s (after %d s)\n' "$1" "$SECONDS"
}
# The pages whose marked blocks are run, and the names of those that were.
pages=("$repo/docs/deploy.md" "$repo/docs/runbook.md")
# commands NAME: what the docs say.
commands() {
    python3 "$repo/scripts/machine/blocks.py" "${pages[@]}" -- "$1"
    echo "$1" >>"$work/blocks-run"
}
# block NAME: the commands of the docs, on the first machine, where the packages lie.
block() {
    commands "$1" >"$work/block"
    on voice-1 sh -ec "cd /root; $(cat "$work/block")" >"$work/told" 2>&1 || { cat "$work/told" >&2; fail "the commands '$1' of the docs"; }
    cat "$work/told"
}

step "packages"
package=$(SOURCE_DATE_EPOCH=1700000000 scripts/package --profile "$profile" --version 0.1.0-1 --out "$work/package" --compression none)
if ! $short; then
    again=$(SOURCE_DATE_EPOCH=1700000000 scripts/package --profile "$profile" --version 0.1.0-1 --out "$work/again" --compression none)
    cmp "$package" "$again" || fail "the same programs made two packages"
    rm -r "$work/again"
fi
# What differs from one version to the next is the programs; here only the number, and in a third one a worker that does not start.
version() {
    local tree=$work/tree
    [ -d "$tree" ] || dpkg-deb --raw-extract "$package" "$tree"
    sed -i "s/^Version: .*/Version: $1/" "$tree/DEBIAN/control"
    dpkg-deb --root-owner-group -Znone --build "$tree" "$work/package/vox_$1_$(dpkg --print-architecture).deb" >/dev/null
}
version 0.1.0-2
if ! $short; then
    printf '#!/bin/sh\necho "this worker is broken" >&2\nexit 1\n' >"$work/tree/usr/bin/vox-core"
    version 0.1.0-3
fi
rm -rf "$work/tree"
if dpkg-deb --field "$package" Depends | grep -qE '(^|, )(gcc|g\+\+|build-essential|rustc|cargo)'; then fail "it wants a compiler"; fi
command -v groff >/dev/null || scripts/install-quietly.sh groff-base
for manual in vox.1 vox-bridge.8 vox-core.8 vox-dialler.8 vox-engine.8 vox-host.8; do
    dpkg-deb --fsys-tarfile "$package" | tar -xO "./usr/share/man/man${manual##*.}/$manual.gz" | gunzip >"$work/$manual"
    groff -man -ww -Kutf8 -Tutf8 -P-c "$work/$manual" >"$work/page" 2>"$work/warned" || fail "$manual is no manual page"
    [ ! -s "$work/warned" ] || fail "$manual: $(head -n 3 "$work/warned")"
    grep -q "D.*E.*S.*C.*R.*I.*P.*T.*I.*O.*N" "$work/page" || fail "$manual has no description"
done
grep -q VOX_MONGODB_URI "$work/vox-bridge.8" || fail "the settings are not in the manual page"
python3 -c 'import yaml' 2>/dev/null || scripts/install-quietly.sh python3-yaml
scripts/check-compose.py "$work/package/compose.yml" "$work/package/Containerfile" "$package" || fail "the compose file"

step "a bare Debian 12"
machine_start voice-1 "$work"
root=$work/voice-1/root
! on voice-1 sh -c 'command -v cc gcc python3 curl' || fail "the machine is not bare"
cp "$work"/package/*.deb "$root/root/"
mkdir "$root/root/scripts"
cp -r scripts/install scripts/host scripts/nginx "$root/root/scripts/"
cp -r nginx "$root/root/"
# A certificate of an authority that this machine trusts.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=an authority" -keyout "$work/ca.key" \
    -out "$work/ca.pem" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$work/privkey.pem" -out "$work/csr.pem" 2>/dev/null
    openssl x509 -req -in "$work/csr.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 2 -out "$work/fullchain.pem" \
        -extfile <(printf 'subjectAltName=DNS:%s\n' "$1") 2>/dev/null
    mkdir -p "$2/etc/vox/tls" "$2/usr/local/share/ca-certificates"
    cp "$work/fullchain.pem" "$work/privkey.pem" "$2/etc/vox/tls/"
    cp "$work/ca.pem" "$2/usr/local/share/ca-certificates/ours.crt"
}
certificate calls.example.org "$root"
printf '127.0.0.1 localhost voice-1\n10.77.0.1 calls.example.org\n10.77.0.2 voice-2.internal\n' >"$root/etc/hosts"
# Until there is a second machine the line ends where it begins.
network() {
    nsenter --target "${machine_pid[voice-1]}" --net ip "$@"
}
network link add vox-a type veth peer name vox-b
network address add 10.77.0.1/24 dev vox-a
network link set vox-a up
network link set vox-b up

step "install, by the docs"
block install | tail -n 3
on voice-1 update-ca-certificates >/dev/null 2>&1
! on voice-1 sh -c 'command -v cc gcc' || fail "a compiler came with it"
block smoke
block install >"$work/again"
grep -q "nothing to do" "$work/again" || { cat "$work/again"; fail "it is laid down twice"; }
block status
[ "$(on voice-1 systemctl --failed --no-legend --plain | grep -c vox)" = 0 ] || fail "a unit has failed"
[ "$(stat -c '%a %u' "$root/etc/vox/secrets/master-key")" = "600 0" ] || fail "a secret may be read"
if on voice-1 setpriv --reuid nobody --regid nogroup --clear-groups cat /etc/vox/secrets/jwt-secret 2>/dev/null; then fail "anybody reads a secret"; fi

# Ask the bridge as its first administrator.
api() {
    python3 "$repo/scripts/machine/api.py" "${machine_pid[voice-1]}" "$root/var/lib/vox/first-login.json" "$@"
}
calls() {
    api GET "/api/v1/calls?limit=50" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["items"]))'
}
[ "$(calls)" = 1 ] || fail "one call was made, and $(calls) are recorded"

# call_begin NAME COUNT MACHINE: a call whose caller says something now and then, until call_end; it is on the machine when that has so
# many.
call_begin() {
    mkfifo "$work/$1.in"
    on voice-1 sh -c 'VOX_TOOLS_SECRET=$(cat /etc/vox/secrets/tools-secret) exec vox call faq --url http://127.0.0.1:8080 \
        --calls-url '"${calls_url:-https://calls.example.org}"' --json --timeout 600' <"$work/$1.in" >"$work/$1.json" 2>"$work/$1.log" &
    eval "$1_pid=$!"
    # Somebody who says nothing is let go after a while.
    (while sleep 8; do echo "hello"; done) >"$work/$1.in" 2>/dev/null &
    eval "$1_line=$!"
    wait_for "a call of $1" in_calls "${2:-1}" "${3:-voice-1}"
}
in_calls() {
    [ "$(on "$2" systemctl show --property StatusText --value 'vox-core@*' | grep -c 'in a call')" -ge "$1" ]
}
wait_for() {
    local what=$1 until=$((SECONDS + 60))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || fail "not in time: $what"
        sleep 0.2
    done
}
# hang_up NAME: answers whether its record came.
hang_up() {
    local line pid
    eval "line=\$$1_line pid=\$$1_pid"
    kill "$line"
    wait "$line" 2>/dev/null || true
    wait "$pid"
}
# call_end NAME COUNT: hang up; the bot must have said so many lines.
call_end() {
    hang_up "$1" || { cat "$work/$1.log" >&2; fail "the call '$1' did not end well"; }
    python3 - "$work/$1.json" "$2" <<'HEARD' || { cat "$work/$1.log" >&2; fail "the call '$1' was not held to its end"; }
import json, sys
call = json.load(open(sys.argv[1]))
said = [entry["text"] for entry in call["transcript"] if entry["speaker"] == "bot"]
assert len(said) >= int(sys.argv[2]), said
assert call["disconnected_by"] in ("customer", "bot"), call["disconnected_by"]
HEARD
}

step "an upgrade under a call"
echo '# of the operator' >>"$root/etc/vox/core.env"
call_begin held
busy=$(on voice-1 sh -c 'for n in 1 2 3 4; do [ "$(systemctl show --property StatusText --value vox-core@$n)" != "in a call" ] || systemctl show --property MainPID --value vox-core@$n; done')
on voice-1 sh -c 'cd /root && vox-host upgrade vox_0.1.0-2_*.deb --dry-run' | grep -q "would install" || fail "a dry run says nothing"
commands upgrade | sed 's/$/ --wait 1/' >"$work/block"
on voice-1 sh -ec "cd /root; $(cat "$work/block")" || fail "the upgrade"
[ "$(on voice-1 dpkg-query --show --showformat '${Version}' vox)" = 0.1.0-2 ] || fail "it is not the new version"
on voice-1 sh -c "kill -0 $busy" || fail "the worker of the call was ended"
before=$(grep -c ' bot ' "$work/held.log")
answered() {
    [ "$(grep -c ' bot ' "$work/held.log")" -gt "$((before + 1))" ]
}
wait_for "answers after the upgrade" answered
call_end held 2
changed() {
    ! on voice-1 sh -c "kill -0 $busy" 2>/dev/null
}
wait_for "the worker of the call is a new one" changed
grep -q 'of the operator' "$root/etc/vox/core.env" || fail "the operator's settings are gone"
block smoke
[ "$(calls)" = 4 ] || fail "four calls were made (two smoke tests, the upgrade's, the held one), and $(calls) are recorded"

if ! $short; then
    step "an upgrade that fails goes back by itself"
    if on voice-1 sh -c 'cd /root && vox-host upgrade vox_0.1.0-3_*.deb' >"$work/told" 2>&1; then fail "a broken worker was taken"; fi
    tail -n 2 "$work/told"
    [ "$(on voice-1 dpkg-query --show --showformat '${Version}' vox)" = 0.1.0-2 ] || fail "it is not the version from before"
    block smoke

    step "back to the version before, by the docs"
    block rollback | tail -n 1
    [ "$(on voice-1 dpkg-query --show --showformat '${Version}' vox)" != 0.1.0-2 ] || fail "it is not another version"
    block smoke

    step "an upgrade without room, and two that are broken off"
    version_is() {
        [ "$(on voice-1 dpkg-query --show --showformat '${Version}' vox)" = "$1" ] || fail "it is not $1: $2"
    }
    on voice-1 mount -t tmpfs -o size=1m,mode=700 tmpfs /var/lib/vox-host
    if on voice-1 sh -c 'cd /root && vox-host upgrade vox_0.1.0-2_*.deb' >"$work/told" 2>&1; then fail "upgraded onto a full disk"; fi
    on voice-1 umount /var/lib/vox-host
    grep -q "no room for copies .* nothing was changed" "$work/told" || fail "$(cat "$work/told")"
    version_is 0.1.0-1 "an upgrade that had no room"
    # broken_upgrade SIGNAL: one that is ended so, when the documents are copied.
    copied() {
        on voice-1 sh -c '[ /var/lib/vox-host/documents/0.1.0-1 -nt /var/lib/vox-host/upgrade ]' 2>/dev/null
    }
    broken_upgrade() {
        on voice-1 sh -c 'cd /root && echo $$ >upgrade.pid && exec vox-host upgrade vox_0.1.0-2_*.deb' >"$work/told" 2>&1 &
        local pid=$!
        wait_for "the copy of the documents" copied
        on voice-1 sh -c 'kill -s '"$1"' "$(cat /root/upgrade.pid)"'
        if wait "$pid"; then fail "an upgrade was not broken off by $1"; fi
        on voice-1 vox-host status >"$work/status"
        grep -q "an upgrade from 0.1.0-1 to 0.1.0-2 was broken off" "$work/status" || fail "nobody is told: $(cat "$work/status")"
    }
    # What it had begun ends by itself, and only then may another begin.
    free_again() {
        on voice-1 flock --nonblock /var/lib/vox-host/lock true
    }
    broken_upgrade KILL
    wait_for "the end of what was begun" free_again
    block rollback | tail -n 1
    version_is 0.1.0-1 "the way back from a broken-off upgrade"
    block smoke
    broken_upgrade TERM
    grep -q "goes on with it" "$work/told" || fail "broken off without a word: $(cat "$work/told")"
    wait_for "the end of what was begun" free_again
    on voice-1 sh -c 'cd /root && vox-host upgrade vox_0.1.0-2_*.deb' >"$work/told" 2>&1 || { cat "$work/told" >&2; fail "it does not go on"; }
    version_is 0.1.0-2 "the end of a broken-off upgrade"
    ! on voice-1 vox-host status | grep -q "broken off" || fail "an upgrade that is over is told as broken off"
    on voice-1 vox-host rollback | tail -n 1
    version_is 0.1.0-1 "the way back"
    block smoke

    step "changed settings"
    echo LOG_LEVEL=debug >>"$root/etc/vox/core.env"
    block restart | tail -n 1
    [ "$(on voice-1 sh -c 'grep -lz "^LOG_LEVEL=debug$" $(systemctl show --property MainPID --value "vox-core@*" | sed -n "s#..*#/proc/&/environ#p") | wc -l')" = 4 ] ||
        fail "not every worker has the changed setting"
    sed -i '/^LOG_LEVEL=debug$/d' "$root/etc/vox/core.env"

    step "backup and restore, compared"
    api PUT /api/v1/settings/timezone '{"display_timezone":"Asia/Kolkata"}' >/dev/null
    ids=$(api GET '/api/v1/calls?limit=50' | python3 -c 'import json, sys; print(*("/api/v1/calls/" + call["session_id"] for call in json.load(sys.stdin)["items"]))')
    # shellcheck disable=SC2086  # one argument for each call
    api GET /api/v1/settings $ids >"$work/told-before"
    block backup
    # compared DIR: hashes of all documents and recordings in this data directory.
    compared() {
        on voice-1 sh -ec "
            rm -rf /root/compare && mkdir -m 700 /root/compare && cp -a $1 /root/compare/from
            printf 'VOX_DATA_DIR=/root/compare/from\nVOX_MASTER_KEY=%s\n' \"\$(cat /etc/vox/secrets/master-key)\" > /root/compare/from.env
            printf 'VOX_DATA_DIR=/root/compare/to\nVOX_MASTER_KEY=%s\n' \"\$(cat /etc/vox/secrets/master-key)\" > /root/compare/to.env
            vox-bridge copy --from /root/compare/from.env --to /root/compare/to.env 2>/dev/null" | grep -v '^copied'
    }
    compared /var/backups/vox/var/lib/vox >"$work/kept"
    on voice-1 sh -c 'systemctl stop vox-bridge; rm -rf /var/lib/vox/vox.sqlite* /var/lib/vox/objects'
    block restore | tail -n 1
    on voice-1 systemctl stop vox-bridge
    compared /var/lib/vox >"$work/restored"
    on voice-1 systemctl start vox-bridge
    # shellcheck disable=SC2086
    api GET /api/v1/settings $ids >"$work/told-after"
    cmp "$work/told-before" "$work/told-after" || fail "a call or the settings are told otherwise: $(diff "$work/told-before" "$work/told-after" | cut -c 1-2000)"
    # What the bridge itself goes on with after its start (workers, jobs, what follows from calls) is no part of the comparison.
    for kind in bots users recordings ledger; do
        [ "$(grep "^$kind " "$work/kept")" = "$(grep "^$kind " "$work/restored")" ] || fail "$kind: $(diff "$work/kept" "$work/restored")"
        grep -q "^$kind " "$work/kept" || fail "no $kind in the backup: $(cat "$work/kept")"
    done
    block smoke
    # What was there before is kept until somebody removes it; purging does, and is looked at below.
    for folder in /etc/vox /var/lib/vox; do
        [ "$(on voice-1 sh -c "ls -d $folder.before-restore-* | wc -l")" = 1 ] || fail "what was in $folder before is not beside it"
    done
    on voice-1 sh -c 'echo x >> /var/backups/vox/etc/vox/core.env'
    if on voice-1 vox-host restore /var/backups/vox >"$work/told" 2>&1; then fail "a damaged backup was restored"; fi
    grep -q "nothing was changed" "$work/told" || fail "$(cat "$work/told")"
    on voice-1 rm -rf /var/backups/vox /root/compare

    step "secrets"
    block rotate | tail -n 1
    block smoke
    [ ! -s "$root/etc/vox/secrets/voxcore-secret-also" ] || fail "the old secret is still taken"
    block master-key | tail -n 1
    api POST /api/v1/settings/keys/rotation >/dev/null
    rotated() {
        [ "$(api GET /api/v1/settings/keys/rotation | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])')" = "done" ]
    }
    wait_for "all is under the new master key" rotated
    block master-key-end | tail -n 1
    ! grep -q , "$root/etc/vox/secrets/master-key" || fail "the old master key is still there"
    ! cmp -s "$root/etc/vox/secrets/master-key" "$root/etc/vox/secrets/master-key.old" || fail "the master key is the old one"
    block smoke

    step "drain and resume"
    block drain
    if on voice-1 vox-host smoke >/dev/null 2>&1; then fail "a drained host took a call"; fi
    block resume
    block smoke

    step "two machines, scaled by load"
    machine_start voice-2 "$work"
    second=$work/voice-2/root
    network link delete vox-a
    machine_link voice-1 voice-2
    cp "$root/etc/hosts" "$second/etc/hosts"
    certificate voice-2.internal "$second"
    cp "$package" "$second/root/"
    cp -r "$root/root/scripts" "$root/root/nginx" "$second/root/"
    install -m 600 "$root/etc/vox/secrets/voxcore-secret" "$second/root/secret"
    on voice-2 sh -ec 'cd /root; scripts/install ./vox_0.1.0-1_*.deb --role workers --workers 2 --bridge https://calls.example.org \
        --secret-file /root/secret --name voice-2.internal --certificate /etc/vox/tls --address https://voice-2.internal --internal 10.77.0.1; update-ca-certificates' \
        >"$work/told" 2>&1 || { cat "$work/told" >&2; fail "a host of workers"; }
    on voice-2 vox-host drain
    on voice-1 vox-host setup --workers 2 --internal 10.77.0.2
    key=$(api POST /api/v1/api-keys '{"name":"scale","scopes":["fleet:read"]}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')
    vox=$(realpath -m "${CARGO_TARGET_DIR:-target}")/$profile/vox
    # The scaler, in the first machine's network.
    scale() {
        VOX_API_KEY=$key nsenter --target "${machine_pid[voice-1]}" --net "$vox" scale --url http://127.0.0.1:8080 "$@"
    }
    # Workers that were taken away are forgotten after 15 s.
    alone() {
        [ "$(scale --once)" = "used 0 %: voice-1 0/2" ]
    }
    wait_for "the first machine alone, with two slots" alone
    cat >"$work/add" <<ADD
#!/bin/sh
exec nsenter --target ${machine_pid[voice-2]} --mount --pid --uts --ipc --net --root --wdns=/ vox-host resume
ADD
    cat >"$work/remove" <<REMOVE
#!/bin/sh
[ "\$VOX_SCALE_HOST" = voice-2 ] || exit 1
exec nsenter --target ${machine_pid[voice-2]} --mount --pid --uts --ipc --net --root --wdns=/ vox-host drain
REMOVE
    chmod +x "$work/add" "$work/remove"
    scale --keep voice-1 --holds 2 --after-add 5 --after-remove 5 --every 1 --add "$work/add" --remove "$work/remove" >"$work/scale.log" &
    scaling=$!
    call_begin one 1
    call_begin two 2
    wait_for "a second host" grep -q 'done: adding a host' "$work/scale.log"
    wait_for "the second host's slots" sh -c "grep -q 'voice-2 [0-9]/2' '$work/scale.log'"
    # A call on the second machine; the bridge's order goes over TLS to the worker that has it.
    grep -q 'https://voice-2.internal:850' <<<"$(api GET /api/v1/fleet/status)" || fail "the second host's workers are not reached by TLS: $(api GET /api/v1/fleet/status)"
    # Before the others end, after which the second host is soon taken away.
    calls_url=https://voice-2.internal call_begin three 1 voice-2
    # They were there to fill the host; what they talked of is nothing here.
    hang_up one || true
    hang_up two || true
    running=$(api GET /api/v1/calls/live | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["session_id"])')
    api POST "/api/v1/calls/$running/say" '{"text":"An order from far away."}' >/dev/null
    wait_for "the order is heard" grep -q "from far away" "$work/three.log"
    call_end three 2
    wait_for "the second host goes" grep -q 'done: removing voice-2' "$work/scale.log"
    pkill -TERM -P "$scaling" || kill -TERM "$scaling"
    wait "$scaling" || true
    cat "$work/scale.log"
    on voice-2 vox-host remove >/dev/null

    step "a host that still owes is not removed before it has delivered"
    owed() {
        on voice-1 find /var/lib/vox-core/outbox -mindepth 2 -name '*.seg' -size +0 ! -path '*.remains*' | grep -q .
    }
    told=$(calls) last_line='' last_pid=''
    calls_url=https://calls.example.org call_begin last
    on voice-1 systemctl stop vox-bridge
    kill "$last_line"
    no_calls() { ! in_calls 1 voice-1; }
    wait_for "the call ends without a bridge" no_calls
    on voice-1 vox-host drain | grep -q "not all delivered" || fail "drained, and not a word of what is owed"
    owed || fail "nothing is owed by a host whose bridge is away"
    on voice-1 vox-host resume >/dev/null
    on voice-1 vox-host remove >"$work/told" 2>&1 &
    removing=$!
    wait_for "a worker runs again" grep -q "runs again to deliver" "$work/told"
    on voice-1 systemctl start vox-bridge
    wait "$removing" || { cat "$work/told" >&2; fail "the bridge is back, and the host is not removed"; }
    ! owed || fail "removed, and it still owes"
    wait "$last_pid" || true
    on voice-1 vox-host setup >/dev/null
    [ "$(calls)" = "$((told + 1))" ] || fail "the last call is not told: $(calls) and not $((told + 1))"
fi

step "removed and purged"
block remove | tail -n 1
on voice-1 sh -ec 'DEBIAN_FRONTEND=noninteractive apt-get -qy remove vox' >/dev/null 2>&1 || fail "apt-get remove"
[ -s "$root/etc/vox/secrets/master-key" ] || fail "removing took the secrets along"
[ -s "$root/var/lib/vox/vox.sqlite" ] || fail "removing took the data along"
on voice-1 sh -ec 'DEBIAN_FRONTEND=noninteractive apt-get -qy purge vox' >"$work/told" 2>&1 || { cat "$work/told" >&2; fail "apt-get purge"; }
on voice-1 find / -xdev \( -path /proc -o -path /sys -o -path /srv -o -path /root -o -path /usr/local/share/ca-certificates \) -prune -o -iname '*vox*' -print >"$work/left"
grep -v -e '^/var/log/journal' -e '/apt/' "$work/left" >"$work/still" || true
[ ! -s "$work/still" ] || fail "left behind: $(tr '\n' ' ' <"$work/still")"
[ "$(on voice-1 systemctl list-units --all --no-legend --plain 'vox*' | grep -vc '^vox.*slice')" = 0 ] || fail "units are left"
on voice-1 getent passwd vox >/dev/null || fail "the users stay, and are gone"
if ! $short; then
    not_run=$(python3 "$repo/scripts/machine/blocks.py" "${pages[@]}" | grep -vxFf "$work/blocks-run" || true)
    [ -z "$not_run" ] || fail "blocks of the docs that are marked and were not run: $not_run"
fi
echo "check-package: all of it is as the docs say (after $SECONDS s)"
