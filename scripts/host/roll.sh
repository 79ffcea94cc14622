# Changing what runs, worker by worker; read by vox-host.
# shellcheck shell=bash disable=SC2154  # the reader's variables

packages=$state/packages
data=/var/lib/vox
# The versions from and to of an upgrade that is not over: one that was broken off goes on from it, or back.
under_way=$state/upgrade
# Kept of the packages that were installed by `vox-host upgrade`.
KEPT_PACKAGES=3
# For an idle worker or a bridge to be there again.
START_SECONDS=150

property() {
    systemctl show --property "$2" --value "$1" 2>/dev/null
}
in_a_call() {
    [ "$(property "$1" StatusText)" = "in a call" ]
}
is_wanted() {
    systemctl is-enabled --quiet "$1" 2>/dev/null
}

# The workers that should run, those without a call first: with them the new version is there soonest.
wanted_workers() {
    local unit busy=()
    for unit in $(worker_units); do
        is_wanted "$unit" || continue
        if in_a_call "$unit"; then busy+=("$unit"); else echo "$unit"; fi
    done
    [ ${#busy[@]} -eq 0 ] || printf '%s\n' "${busy[@]}"
}

# wait_until SECONDS COMMAND...
wait_until() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.2
    done
}
# is_new UNIT INVOCATION: whether it has been started anew and serves.
is_new() {
    [ "$(property "$1" InvocationID)" != "$2" ] && [ "$(property "$1" ActiveState)" = active ]
}

# One worker: it ends its call first, if it has one. Another takes new calls meanwhile.
restart_worker() {
    local unit=$1 before
    before=$(property "$unit" InvocationID)
    run systemctl restart --no-block "$unit"
    $dry || printf '%s %s\n' "$unit" "$before" >>"$waiting"
}
# Those that were told to and are not there again yet.
still_waiting() {
    local unit before
    while read -r unit before; do
        is_new "$unit" "$before" || echo "$unit"
    done <"$waiting"
}

restart_bridge() {
    is_wanted vox-bridge.service || return 0
    say "restarting the bridge; calls go on without it"
    bridge_paused=false
    run systemctl restart vox-bridge.service || fail "the bridge does not start: journalctl -u vox-bridge; calls that run go on and are kept"
}

# Calls that talk go on without it; what rings is taken back and rung again later.
restart_dialler() {
    is_wanted vox-dialler.service || return 0
    say "restarting the dialler; calls go on without it"
    run systemctl restart vox-dialler.service || say "the dialler does not start: journalctl -u vox-dialler; no campaign runs until it does"
}

# The bridge stands still while something of its is copied. Whatever ends this program starts it again.
pause_bridge() {
    bridge_paused=true
    systemctl stop vox-bridge.service
}
resume_bridge() {
    $bridge_paused || return 0
    bridge_paused=false
    systemctl start vox-bridge.service
}

# restart_workers [UNIT]: all, or all but this one, which has been started anew already. Sets all_restarted.
#
# An idle worker is waited for before the next is told, so that there is always one to take a call. A busy one takes none anyway: it
# is told at once and changes when its call is over.
restart_workers() {
    local unit list
    restart_dialler
    waiting=$(mktemp "$state/waiting.XXXXXX" 2>/dev/null || mktemp)
    # shellcheck disable=SC2034  # keep.sh asks
    all_restarted=true
    list=$(wanted_workers)
    for unit in $list; do
        [ "$unit" != "${1:-}" ] || continue
        local was_busy=false
        in_a_call "$unit" && was_busy=true
        say "restarting $unit$($was_busy && echo ', when its call is over' || true)"
        restart_worker "$unit"
        $dry && continue
        # One that was given a call in this very moment ends it first.
        $was_busy || wait_until "$START_SECONDS" settled "$unit" ||
            fail "$unit does not come back: journalctl -u $unit; the workers after it still have what they had"
    done
    if ! $dry && ! wait_until "$wait_seconds" nobody_waits; then
        # shellcheck disable=SC2034  # keep.sh asks
        all_restarted=false
        say "still in a call, and changing when it is over: $(still_waiting | tr '\n' ' ')"
    fi
    rm -f "$waiting"
    waiting=
}
nobody_waits() {
    [ -z "$(still_waiting)" ]
}
settled() {
    ! still_waiting | grep -qxF "$1" || [ "$(property "$1" StatusText)" = "in a call" ]
}

restart() {
    # shellcheck source=/dev/null
    [ -n "$(wanted_workers)" ] || is_wanted vox-bridge.service || fail "nothing is set up here: vox-host setup"
    local told
    ! told=$(broken_off) || say "$told; meanwhile what is installed is brought into what runs, without a call to try it"
    run systemctl daemon-reload
    restart_bridge
    restart_workers
    say "restarted"
}

# smoke [BOT] [WORKER]: a spoken call, heard to its end.
smoke() {
    local bot=${1:-$(chosen smoke-bot faq)} worker=${2:-} bridge calls
    [ -r "$etc/secrets/tools-secret" ] || fail "$etc/secrets/tools-secret cannot be read: run as root, after vox-host setup; \
a host of workers alone wants a copy of the one of its bridge's host"
    bridge=$(sed -n 's/^VOX_BRIDGE_URL=//p' "$etc/host.env" 2>/dev/null)
    if [ -n "$worker" ]; then
        number "the worker's number" "$worker"
        calls=http://127.0.0.1:$((FIRST_PORT + worker))
    else
        calls=$(calls_url)
    fi
    local answer
    answer=$(VOX_TOOLS_SECRET=$(cat "$etc/secrets/tools-secret") vox call "$bot" --url "$bridge" --calls-url "$calls" --json \
        --say "hello" --timeout 60 2>"$state/smoke.log") || {
        cat "$state/smoke.log" >&2
        fail "the call did not go as it should; what it said is above"
    }
    say "a call was answered and recorded: $(sed -n 's/.*"call_id":"\([^"]*\)".*/\1/p' <<<"$answer")"
}
calls_url() {
    local name listen
    name=$(chosen name _)
    listen=$(chosen listen '')
    if [ -z "$(chosen certificate '')" ]; then
        echo "http://${listen:-127.0.0.1:8000}"
    else
        [ "$name" != _ ] || name=localhost
        case $listen in
            '' | 443) echo "https://$name" ;;
            *) echo "https://$name:${listen##*:}" ;;
        esac
    fi
}

installed_version() {
    # shellcheck disable=SC2016  # dpkg's own
    dpkg-query --show --showformat '${Version}' vox 2>/dev/null || true
}

# keep_package FILE BEFORE: the package is kept, for the way back; so is that of the version from before, whenever it came here.
keep_package() {
    local version running kept
    version=$(dpkg-deb --field "$1" Version)
    running=$packages/vox_$2.deb
    kept=$packages/vox_$version.deb
    install -d -m 0700 "$packages"
    if [ "$(readlink -f "$1")" != "$kept" ]; then
        # Beside it first: half a package is no way back.
        if ! { install -m 600 "$1" "$kept.new" && mv "$kept.new" "$kept"; }; then
            rm -f "$kept.new"
            fail "the package cannot be kept in $packages; why is above, and nothing was changed"
        fi
    fi
    [ ! -e "$running" ] || touch "$running"
    touch "$kept"
    # shellcheck disable=SC2012  # names of ours
    ls -t "$packages"/vox_*.deb | tail -n +$((KEPT_PACKAGES + 1)) | xargs -r rm -f
}

# has_room DIR FILE...: whether copies of these fit there, with a tenth to spare.
has_room() {
    local dir=$1 needed free
    shift
    needed=$(du --apparent-size --block-size=1 --total -- "$@" | tail -n 1 | cut -f 1)
    free=$(df --output=avail --block-size=1 "$dir" | tail -n 1)
    [ "$free" -gt "$((needed + needed / 10))" ]
}

# Documents of the embedded engine, as they are now: an older bridge does not take what a newer one has brought up to date. Each step is
# looked at by itself, for the caller goes back when one fails.
keep_documents() {
    [ -e "$data/vox.sqlite" ] || return 0
    local to=$state/documents/${1:?}
    install -d -m 0700 "$state/documents" || return 1
    rm -rf "$to.new" || return 1
    mkdir -m 0700 "$to.new" || return 1
    if ! cp -p --reflink=auto "$data"/vox.sqlite* "$to.new/"; then
        rm -rf "$to.new"
        return 1
    fi
    rm -rf "$to" || return 1
    mv "$to.new" "$to"
}

# install_package FILE: what runs goes on with the files that it has open.
install_package() {
    local log
    log=$(mktemp)
    dpkg --force-confdef --force-confold --install "$1" >"$log" 2>&1 || {
        cat "$log" >&2
        rm -f "$log"
        return 1
    }
    rm -f "$log"
    systemctl daemon-reload
}

# broken_off: what an upgrade that is not over is called; fails when there is none.
broken_off() {
    local from to
    [ -s "$under_way" ] || return 1
    read -r from to <"$under_way"
    echo "an upgrade from $from to $to was broken off: vox-host upgrade with the package of $to goes on with it, vox-host rollback $from goes back"
}

upgrade() {
    local file=$1 before version first bot kept=()
    [ -s "$file" ] || fail "$file is missing"
    [ "$(dpkg-deb --field "$file" Package 2>/dev/null)" = vox ] || fail "$file is no package of Vox"
    version=$(dpkg-deb --field "$file" Version)
    before=$(installed_version)
    [ -n "$before" ] || fail "Vox is not installed here as a package: apt-get install $file, then vox-host setup"
    if [ -s "$under_way" ]; then
        local to
        read -r before to <"$under_way"
        [ "$version" = "$to" ] || fail "$(broken_off)"
        say "going on with the upgrade that was broken off"
    else
        [ "$version" != "$before" ] || fail "$version is installed already; vox-host restart starts it anew"
    fi
    $dry || [ -e "$packages/vox_$before.deb" ] ||
        say "the package of $before is not here, so there will be no way back by itself: put it to $packages/vox_$before.deb for that"
    say "from $before to $version"
    if $dry; then
        echo "would install $file, stop the bridge, copy its documents, start it, restart one idle worker and call it, then the others"
        return
    fi
    kept=("$file")
    if is_wanted vox-bridge.service && [ -e "$data/vox.sqlite" ]; then kept+=("$data"/vox.sqlite*); fi
    has_room "$state" "${kept[@]}" || fail "$state has no room for copies of the package and of the documents (${kept[*]}): nothing was changed"
    keep_package "$file" "$before"
    if [ ! -s "$under_way" ]; then
        { echo "$before $version" >"$under_way.new" && mv "$under_way.new" "$under_way"; } || fail "$under_way cannot be written: nothing was changed"
    fi
    # shellcheck disable=SC2034  # vox-host asks
    in_upgrade=true
    # What a broken-off one has copied is of the version from before; the documents of now may not be.
    documents_kept=false
    ! [ "$state/documents/$before" -nt "$under_way" ] || documents_kept=true
    install_package "$packages/vox_$version.deb" || undo "$before" "the package cannot be installed"
    if is_wanted vox-bridge.service; then
        pause_bridge || undo "$before" "the bridge does not stop"
        $documents_kept || keep_documents "$before" || undo "$before" "the documents cannot be copied"
        documents_kept=true
        resume_bridge || undo "$before" "the new bridge does not start"
    fi
    read -r first < <(wanted_workers) || first=
    bot=$(chosen smoke-bot faq)
    if [ -n "$first" ] && ! in_a_call "$first"; then
        systemctl restart "$first" || undo "$before" "the new worker does not start"
        local n=${first#vox-core@}
        if [ "$bot" = none ] || [ ! -e "$etc/secrets/tools-secret" ]; then
            say "$first starts; no call is tried (--smoke-bot, or no tools-secret here)"
        elif ! (smoke "$bot" "${n%.service}"); then
            undo "$before" "the call to the new worker failed"
        fi
    else
        say "every worker is in a call: none is free to be tried first"
        first=
    fi
    restart_workers "$first"
    rm -f "$under_way"
    say "upgraded to $version"
}
undo() {
    local fault=''
    say "$2: back to $1"
    [ -e "$packages/vox_$1.deb" ] || fail "the package of $1 is not here; apt-get install it, then vox-host restart"
    # The way back does not lead here.
    rm -f "$packages/vox_$version.deb"
    install_package "$packages/vox_$1.deb" || fail "$1 cannot be installed either: dpkg --configure -a, then vox-host rollback $1"
    if is_wanted vox-bridge.service; then
        pause_bridge || true
        # What calls have delivered meanwhile stays, unless the documents have a form by now that this bridge does not take.
        if ! resume_bridge; then
            fault=", but its bridge does not start: journalctl -u vox-bridge"
            if $documents_kept; then
                say "its bridge does not start with the documents of now: they are put back as they were before the upgrade"
                pause_bridge || true
                put_documents "$1" || fail "the documents of before cannot be put back; those of now are where they were"
                ! resume_bridge || fault=''
            fi
        fi
    fi
    restart_workers
    rm -f "$under_way"
    fail "$2; this host is at $1 again$fault"
}
# The documents from before that version went; those of now are put aside. Nothing is taken away before both copies are whole.
put_documents() {
    local from=$state/documents/$1 aside put=$data/.put
    [ -e "$from/vox.sqlite" ] || return 0
    aside=$state/documents/after-$1-$(date -u +%Y%m%dT%H%M%SZ)
    if ! { rm -rf "$put" && install -d -m 0700 "$put" && cp -p --reflink=auto "$from"/vox.sqlite* "$put/"; }; then
        rm -rf "$put"
        return 1
    fi
    if [ -e "$data/vox.sqlite" ]; then
        if ! { install -d -m 0700 "$aside" && cp -p --reflink=auto "$data"/vox.sqlite* "$aside/"; }; then
            rm -rf "$put" "$aside"
            return 1
        fi
        say "the documents of now are put aside, in $aside: remove them when all is well"
    fi
    # The log of the newer documents belongs to no others.
    rm -f "$data/vox.sqlite-wal" "$data/vox.sqlite-shm" && mv -f "$put/vox.sqlite" "$data/vox.sqlite" || return 1
    [ ! -e "$put/vox.sqlite-wal" ] || mv -f "$put/vox.sqlite-wal" "$data/" || return 1
    rm -rf "$put"
}

rollback() {
    local version=${1:-} now file
    now=$(installed_version)
    if [ -z "$version" ] && [ -s "$under_way" ]; then read -r version _ <"$under_way"; fi
    if [ -z "$version" ]; then
        # The newest of those that are older.
        for file in "$packages"/vox_*.deb; do
            file=${file##*/vox_}
            file=${file%.deb}
            if dpkg --compare-versions "$file" lt "$now" 2>/dev/null && dpkg --compare-versions "$file" gt "$version"; then version=$file; fi
        done
        [ -n "$version" ] || fail "no package from before is here: vox-host rollback wants one in $packages"
    fi
    file=$packages/vox_$version.deb
    [ -e "$file" ] || fail "$file is missing; here are: $(find "$packages" -name 'vox_*.deb' -printf '%f ' 2>/dev/null)"
    if $documents; then
        [ -d "$state/documents/$version" ] || fail "there is no copy of the documents of $version in $state/documents"
        say "documents are put back as they were at $version: what came after is put aside, but for what workers still have to deliver"
    fi
    say "from $now to $version"
    if $dry; then
        echo "would install $file, restart the bridge, then the workers"
        return
    fi
    install_package "$file" || fail "$version cannot be installed; what dpkg says is above"
    ! is_wanted vox-bridge.service || pause_bridge
    ! $documents || put_documents "$version" || fail "the documents of $version cannot be put back; those of now are where they were"
    ! is_wanted vox-bridge.service || { resume_bridge || fail "the bridge of $version does not start: journalctl -u vox-bridge. \
If it does not take the newer documents: vox-host rollback $version --documents"; }
    restart_workers
    rm -f "$under_way"
    say "back at $version"
}

drain() {
    local unit
    ! is_wanted vox-dialler.service || run systemctl stop vox-dialler.service
    for unit in $(worker_units); do run systemctl stop --no-block "$unit"; done
    $dry && return
    wait_until "$wait_seconds" all_stopped || fail "calls still run: $(running_workers | tr '\n' ' '); they are let to their ends"
    say "no call runs here, and none is taken: vox-host resume takes them again"
    [ "$(owed)" = 0 ] ||
        say "what calls left behind is not all delivered ($(owed) outboxes in $outboxes): workers that run deliver it, so vox-host resume before this host goes"
}

outboxes=/var/lib/vox-core/outbox
# For a bridge that is just away to be back.
DELIVER_SECONDS=120

# owed [PID]: how many outboxes have something to be delivered, without that of the worker of this process. A worker takes its outbox
# away when all of it is delivered, and sets aside what the bridge refused for good (…remains).
owed() {
    [ -d "$outboxes" ] || { echo 0 && return; }
    find "$outboxes" -mindepth 2 -maxdepth 2 -name '*.seg' -size +0 ! -path '*.remains*' ! -path "*-${1:-none}-*/*" -printf '%h\n' | sort -u | wc -l
}
# After all workers have stopped: one runs again, for it delivers what the others left. A call that it is given meanwhile ends as others do.
deliver_owed() {
    local until=$((SECONDS + DELIVER_SECONDS)) unit
    [ "$(owed)" != 0 ] || return 0
    for unit in $(worker_units); do ! is_wanted "$unit" || break; done
    is_wanted "${unit:-}" || return 1
    say "what calls left behind is not all delivered: $unit runs again to deliver it"
    while [ "$SECONDS" -lt "$until" ]; do
        systemctl start "$unit" || return 1
        wait_until "$((until - SECONDS > 0 ? until - SECONDS : 1))" others_delivered "$unit" || true
        # What it took over of theirs it delivers before it ends.
        systemctl stop --no-block "$unit"
        wait_until "$wait_seconds" all_stopped || return 1
        [ "$(owed)" != 0 ] || return 0
    done
    return 1
}
others_delivered() {
    [ "$(owed "$(property "$1" MainPID)")" = 0 ]
}
running_workers() {
    local unit
    for unit in $(worker_units); do
        case $(property "$unit" ActiveState) in inactive | failed) ;; *) echo "$unit" ;; esac
    done
}
all_stopped() {
    [ -z "$(running_workers)" ]
}
resume() {
    local unit
    for unit in $(worker_units); do
        ! is_wanted "$unit" || run systemctl start "$unit"
    done
    ! is_wanted vox-dialler.service || run systemctl start vox-dialler.service
    say "calls are taken"
}

status() {
    echo "installed $(installed_version)"
    broken_off || true
    local unit
    for unit in vox-bridge.service vox-dialler.service $(worker_units); do
        is_wanted "$unit" || [ "$(property "$unit" ActiveState)" != inactive ] || continue
        printf '%-22s %-12s %s\n' "$unit" "$(property "$unit" ActiveState)" "$(property "$unit" StatusText)"
    done
}
