# `vox-host setup` and what takes it away again; read by vox-host.
# shellcheck shell=bash disable=SC2154  # the reader's variables

site=/etc/nginx/conf.d/vox.conf
# What the options of a host are kept in, one `name=value` a line.
choices=$etc/host.choices
# The first worker's own address is this port and its number, on loopback: for metrics and for smoke tests of one worker.
FIRST_PORT=8100
# The same with TLS, for bridges on other hosts: nginx has it (--address https://NAME).
TLS_PORT=8500

# chosen NAME DEFAULT: what was said, now or before.
chosen() {
    local found
    found=$(sed -n "s/^$1=//p" "$choices" 2>/dev/null | tail -n 1)
    printf '%s' "${found:-$2}"
}

# keep FILE MODE: standard input becomes the file, if it is not so already; nobody sees half of it.
keep() {
    local new
    new=$(cat)
    if [ "$new" = "$(cat "$1" 2>/dev/null)" ] && [ -e "$1" ]; then return; fi
    changed=true
    if $dry; then
        echo "would write: $1"
        return
    fi
    (umask 077 && printf '%s\n' "$new" >"$1.new")
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
    say "wrote $1"
}

# secret NAME COMMAND...: made once.
secret() {
    local file=$etc/secrets/$1
    shift
    [ ! -s "$file" ] || return 0
    changed=true
    if $dry; then
        echo "would make the secret: $file"
        return
    fi
    (umask 077 && "$@" >"$file.new")
    [ -s "$file.new" ] || fail "no secret could be made in $file"
    mv "$file.new" "$file"
    say "made the secret $file"
}
random() {
    head -c "$1" /dev/urandom | base64 -w 0
}

setup() {
    local role workers name certificate listen bridge address smoke_bot secret_file='' public_url edges internal
    declare -A said=()
    while [ $# -gt 0 ]; do
        case $1 in
            --role | --workers | --name | --certificate | --listen | --bridge | --address | --public-url | --smoke-bot) said[${1#--}]=$2 ;;
            --edge | --internal) said[${1#--}]="${said[${1#--}]:+${said[${1#--}]} }$2" ;;
            --secret-file) secret_file=$2 ;;
            *) fail "setup has no option $1; see vox-host help" 2 ;;
        esac
        [[ $2 =~ ^[][A-Za-z0-9_./:*-]+$ ]] || fail "$1: '$2' has characters that an address, a name or a path here has not" 2
        shift 2
    done
    role=${said[role]:-$(chosen role all)}
    workers=${said[workers]:-$(chosen workers 16)}
    name=${said[name]:-$(chosen name _)}
    certificate=${said[certificate]:-$(chosen certificate '')}
    listen=${said[listen]:-$(chosen listen '')}
    bridge=${said[bridge]:-$(chosen bridge '')}
    address=${said[address]:-$(chosen address '')}
    public_url=${said[public-url]:-$(chosen public-url '')}
    smoke_bot=${said[smoke-bot]:-$(chosen smoke-bot faq)}
    edges=${said[edge]:-$(chosen edge '')}
    internal=${said[internal]:-$(chosen internal '')}

    # Everything that is wrong at once, before anything is changed.
    local faults=()
    [[ $role =~ ^(all|bridge|workers)$ ]] || faults+=("--role: all, bridge or workers, not '$role'")
    [[ $workers =~ ^[1-9][0-9]{0,2}$ ]] && [ "$workers" -le 256 ] || faults+=("--workers: 1 to 256, not '$workers'")
    if [ "$role" = workers ]; then
        [[ $bridge =~ ^https?://[^/]+$ ]] || faults+=("--bridge: where the bridge is, http(s)://HOST[:PORT] without a path, not '$bridge'")
        [ -n "$secret_file" ] || [ -s "$etc/secrets/voxcore-secret" ] ||
            faults+=("--secret-file: a copy of /etc/vox/secrets/voxcore-secret of the bridge's host")
        [ -n "$address" ] || faults+=("--address: how the bridge reaches this host, an address of its own, or https://NAME with --certificate")
    else
        [ -z "$bridge" ] || faults+=("--bridge is for --role workers: this host has a bridge of its own")
    fi
    [ -z "$secret_file" ] || [ -s "$secret_file" ] || faults+=("--secret-file: $secret_file is missing or empty")
    case $address in
        https://*[/:]*) faults+=("--address: https://NAME without port or path, not '$address'") ;;
        https://*) [ -n "$certificate" ] || faults+=("--address with https:// wants --certificate: nginx ends TLS for the workers") ;;
        */*) faults+=("--address: an address or https://NAME, not '$address'") ;;
    esac
    if [ -n "$certificate" ]; then
        for file in fullchain.pem privkey.pem; do
            [ -s "$certificate/$file" ] || faults+=("--certificate: $certificate/$file is missing")
        done
    fi
    for program in vox vox-bridge vox-core vox-dialler vox-engine; do
        # Before the package is there, a dry run tells what would come after it.
        [ -x "/usr/bin/$program" ] || $dry || faults+=("/usr/bin/$program is missing: install the package, apt-get install ./vox_….deb")
    done
    command -v nginx >/dev/null || $dry || faults+=("nginx is missing: apt-get install nginx-light")
    if [ ${#faults[@]} -gt 0 ]; then
        printf 'vox-host: %s\n' "${faults[@]}" >&2
        exit 2
    fi
    changed=false

    run systemd-sysusers vox.conf
    run systemd-tmpfiles --create vox.conf
    $dry || install -d -m 0700 "$etc/secrets" "$etc/host" "$state"
    if [ -n "$secret_file" ]; then keep "$etc/secrets/voxcore-secret" 600 <"$secret_file"; fi
    secret voxcore-secret random 48
    # Empty but while the workers' secret is changed.
    $dry || [ -e "$etc/secrets/voxcore-secret-also" ] || (umask 077 && : >"$etc/secrets/voxcore-secret-also")
    if [ "$role" != workers ]; then
        secret tools-secret random 48
        secret master-key random 32
        secret jwt-secret random 48
    fi
    if [ -z "$public_url" ] && [ -n "$certificate" ] && [ "$name" != _ ]; then public_url=https://$name; fi
    # Both programs read it. nginx stands before them, and says who the client is.
    {
        echo "# Written by vox-host setup; say it again there, or overrule it in bridge.env and core.env."
        echo "VOX_TRUSTED_PROXIES=127.0.0.1"
        echo "VOXCORE_WORKERS=$workers"
        echo "VOX_BRIDGE_URL=${bridge:-http://127.0.0.1:8080}"
        [ -z "$public_url" ] || [ "$role" = workers ] || echo "VOX_PUBLIC_URL=$public_url"
    } | keep "$etc/host.env" 640
    local n
    [ "$role" = bridge ] || for ((n = 1; n <= workers; n++)); do
        worker_env "$n" "$address" | keep "$etc/host/core-$n.env" 640
    done
    printf '%s\n' "role=$role" "workers=$workers" "name=$name" "certificate=$certificate" "listen=$listen" "bridge=$bridge" "address=$address" \
        "public-url=${said[public-url]:-$(chosen public-url '')}" "smoke-bot=$smoke_bot" "edge=$edges" "internal=$internal" | keep "$choices" 640

    site_of "$role" "$workers" "$name" "$certificate" "$listen" "$address" "$edges" "$internal"
    units_of "$role" "$workers"
    if $changed; then say "done: vox-host status, then vox-host smoke"; else say "nothing to do: all of it is so"; fi
}

# What the ids of this host's workers begin with: no other host of the deployment may have workers of the same ids.
worker_prefix() {
    printf '%s-' "$(uname -n | tr -c 'A-Za-z0-9\n' '-' | cut -c 1-40)"
}

# worker_env NUMBER ADDRESS: who a worker is, where it listens, and what it tells the bridge.
worker_env() {
    echo "VOXCORE_WORKER_ID=$(worker_prefix)$1"
    case $2 in
        '') echo "VOXCORE_ADDR=127.0.0.1:$((FIRST_PORT + $1))" ;;
        https://*)
            echo "VOXCORE_ADDR=127.0.0.1:$((FIRST_PORT + $1))"
            echo "VOXCORE_ADVERTISE=$2:$((TLS_PORT + $1))"
            ;;
        *) echo "VOXCORE_ADDR=$2:$((FIRST_PORT + $1))" ;;
    esac
}

# The site of nginx; one that nginx does not take is taken back.
site_of() {
    local role=$1 workers=$2 name=$3 certificate=$4 listen=$5 address=$6 edges=$7 internal=$8 one
    local render=("$here/../nginx/render.sh" --workers "$workers" --name "$name" --prefix "$(worker_prefix)")
    [ -z "$certificate" ] || render+=(--certificate "$certificate")
    [ -z "$listen" ] || render+=(--listen "$listen")
    # Workers reach their bridge themselves; nginx here leads to the programs of this host.
    [ "$role" != workers ] || render+=(--no-bridge)
    [[ $address != https://* ]] || render+=(--worker-ports "$TLS_PORT")
    for one in $edges; do render+=(--edge "$one"); done
    # Workers of this host deliver by the public address, and come from one of its own then.
    for one in 127.0.0.1 ::1 $(hostname -I 2>/dev/null || true) $internal; do render+=(--internal "$one"); done
    local before=''
    [ ! -e "$site" ] || before=$(cat "$site")
    local was=$changed text
    changed=false
    text=$("${render[@]}") || fail "the site of nginx cannot be made; why is above" 2
    keep "$site" 644 <<<"$text"
    if $changed && ! $dry; then
        if ! nginx -t -q; then
            if [ -n "$before" ]; then printf '%s\n' "$before" >"$site"; else rm -f "$site"; fi
            fail "nginx does not take the site; what it says is above, and what was there before is there again"
        fi
        systemctl enable --quiet nginx.service
        # A start, or a reload: calls that run stay with the processes from before.
        systemctl reload-or-restart nginx.service
    fi
    $was && changed=true || true
}

units_of() {
    local role=$1 workers=$2 n unit
    run systemctl daemon-reload
    run systemctl enable --quiet vox.target
    if [ "$role" != workers ]; then start_unit vox-bridge.service; else stop_unit vox-bridge.service; fi
    [ "$role" != bridge ] || workers=0
    for ((n = 1; n <= workers; n++)); do start_unit "vox-core@$n.service"; done
    # Campaigns run where a LiveKit server is told, on the host of a bridge.
    if [ "$role" != workers ] && grep -qs '^LIVEKIT_URL=.' "$etc/dialler.env"; then start_unit vox-dialler.service; else stop_unit vox-dialler.service; fi
    # Those above the number go when their calls are over.
    for unit in $(worker_units); do
        n=${unit#vox-core@}
        [ "${n%.service}" -le "$workers" ] || stop_unit "$unit"
    done
    run systemctl start vox.target
}
start_unit() {
    if systemctl is-enabled --quiet "$1" 2>/dev/null && systemctl is-active --quiet "$1"; then return; fi
    changed=true
    run systemctl enable --quiet --now "$1" || fail "$1 does not start: journalctl -u $1, and vox-bridge check-config"
    $dry || say "started $1"
}
stop_unit() {
    if ! systemctl is-enabled --quiet "$1" 2>/dev/null && ! systemctl is-active --quiet "$1"; then return; fi
    changed=true
    run systemctl disable --quiet "$1"
    run systemctl stop --no-block "$1"
}

# The instances that are enabled or run, by number.
worker_units() {
    {
        systemctl list-units --all --no-legend --plain 'vox-core@*.service' 2>/dev/null | awk '{ print $1 }'
        find /etc/systemd/system/vox.target.wants -name 'vox-core@*.service' -printf '%f\n' 2>/dev/null
    } | sort -u | sort -t @ -k 2 -n
}

remove() {
    drain
    local unit
    if ! $dry && ! deliver_owed && ! $leave_owed; then
        # As before, so that what is owed is delivered when that can be done.
        resume
        fail "this host still owes what calls left behind ($(owed) outboxes in $outboxes): its workers run again to deliver it, so it is not \
removed. Is the bridge reached? Then vox-host remove again; with --leave-owed it goes, and that stays on the disk"
    fi
    for unit in vox-dialler.service $(worker_units) vox-bridge.service vox.target; do
        run systemctl disable --quiet --now "$unit"
    done
    if [ -e "$site" ]; then
        run rm -f "$site"
        run systemctl try-reload-or-restart nginx.service
    fi
    say "this host serves no calls; settings, secrets and data are still here, apt-get purge vox removes them"
}
