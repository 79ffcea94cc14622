# Copies of a host's data, and new secrets; read by vox-host.
# shellcheck shell=bash disable=SC2154  # the reader's variables

# What is copied; data only where the embedded engines have it.
KEPT=(/etc/vox /var/lib/vox)

backup() {
    local to=$1
    [ ! -e "$to" ] || [ -z "$(ls -A "$to")" ] || fail "$to is not empty: name a new directory"
    install -d -m 0700 "$to"
    to=$(cd "$to" && pwd)
    local was_active=false folder copied=true
    if systemctl is-active --quiet vox-bridge.service; then
        was_active=true
        # Calls that run go on; their results wait on the workers' disks.
        pause_bridge
    fi
    for folder in "${KEPT[@]}"; do
        [ -d "$folder" ] || continue
        mkdir -p "$to$(dirname "$folder")"
        cp -a --reflink=auto "$folder" "$to$folder" || copied=false
    done
    ! $was_active || resume_bridge || fail "the bridge does not start again: journalctl -u vox-bridge"
    $copied || fail "not all of it was copied to $to; what failed is above"
    (cd "$to" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum) >"$to/SHA256SUMS"
    say "copied to $to: it holds the master key and every secret, so keep it where only you read it"
}

restore() {
    local from=$1 folder at
    [ -s "$from/SHA256SUMS" ] || fail "$from has no SHA256SUMS: it is no whole backup of vox-host"
    (cd "$from" && sha256sum --check --quiet SHA256SUMS) || fail "$from is damaged: the files above are not as they were copied; nothing was changed"
    from=$(cd "$from" && pwd)
    for folder in "${KEPT[@]}"; do
        [ ! -d "$from$folder" ] || ! mountpoint --quiet "$folder" ||
            fail "$folder is a file system of its own, which cannot be exchanged: nothing was changed. Stop vox-bridge and copy \
$from$folder over it by hand, or mount it elsewhere and let $folder be a directory"
    done
    # All copies before the first exchange.
    for folder in "${KEPT[@]}"; do
        rm -rf "$folder.restored"
        [ -d "$from$folder" ] || continue
        if ! cp -a --reflink=auto "$from$folder" "$folder.restored"; then
            rm -rf "${KEPT[@]/%/.restored}"
            fail "not all of it could be copied, why is above; nothing was changed"
        fi
    done
    # The numbers of users may be others on this host.
    [ ! -d /var/lib/vox.restored ] || chown -R vox:vox /var/lib/vox.restored
    # A name of its own each time: what was here is never taken away.
    at=$(date -u +%Y%m%dT%H%M%SZ)
    for folder in "${KEPT[@]}"; do
        while [ -e "$folder.before-restore-$at" ]; do at+=x; done
    done
    ! systemctl is-active --quiet vox-bridge.service || pause_bridge
    # No bridge may begin between two names.
    trap '' HUP INT TERM
    for folder in "${KEPT[@]}"; do
        [ -d "$folder.restored" ] || continue
        [ ! -d "$folder" ] || mv "$folder" "$folder.before-restore-$at"
        mv "$folder.restored" "$folder"
    done
    trap_signals
    say "restored; what was here is beside it, as …before-restore-$at: remove it when all is well"
    # One that was under way is nothing to these secrets.
    rm -rf "$state/rotation"
    setup
    restart
}

rotate() {
    local file
    case $1 in
        jwt) file=jwt-secret ;;
        tools) file=tools-secret ;;
        workers) file=voxcore-secret ;;
        *) fail "there is no secret '$1': jwt, tools or workers; docs/runbook.md has the master key and the others" 2 ;;
    esac
    [ -s "$etc/secrets/$file" ] || fail "$etc/secrets/$file is missing: vox-host setup makes it"
    if [ "$1" = workers ]; then
        rotate_workers
        return
    fi
    (umask 077 && random 48 >"$etc/secrets/$file.new")
    mv "$etc/secrets/$file.new" "$etc/secrets/$file"
    restart_bridge
    say "$file is a new one; the old one opens nothing any more"
    say "a deployment of several hosts: copy it to the others that have it, and vox-host restart there; until then they know the old one"
}

# In three steps, in each of which both sides take what the other sends: a call that begins meanwhile finds its bridge. The step and both
# secrets are noted, so that one that was broken off goes on where it was, and no third secret comes between.
rotate_workers() {
    if [ "$(chosen role all)" != all ] || [ -n "$(chosen internal '')" ]; then
        fail "this deployment has several hosts: change the workers' secret by hand, in the order of docs/runbook.md"
    fi
    local secrets=$etc/secrets noted=$state/rotation step
    if [ ! -s "$noted/step" ]; then
        [ ! -s "$secrets/voxcore-secret-also" ] ||
            fail "$secrets/voxcore-secret-also is not empty: a change by hand is under way; bring it to its end first (docs/runbook.md)"
        rm -rf "$noted"
        install -d -m 0700 "$noted"
        (umask 077 && random 48 >"$noted/new" && cp "$secrets/voxcore-secret" "$noted/old")
        note_step 1
    fi
    step=$(cat "$noted/step")
    if [ "$step" = 1 ]; then
        put_secret "$noted/new" voxcore-secret-also
        say "1 of 3: the new one is taken too"
        restart_all_for "step 1"
        note_step 2
        step=2
    fi
    if [ "$step" = 2 ]; then
        put_secret "$noted/old" voxcore-secret-also
        put_secret "$noted/new" voxcore-secret
        say "2 of 3: the new one is sent"
        restart_all_for "step 2"
        note_step 3
    fi
    put_secret /dev/null voxcore-secret-also
    say "3 of 3: the old one is taken no more"
    restart_all_for "step 3"
    rm -rf "$noted"
    say "voxcore-secret is a new one"
}
note_step() {
    echo "$1" >"$state/rotation/step.new"
    mv "$state/rotation/step.new" "$state/rotation/step"
}
# put_secret FILE NAME: what is in that file becomes the secret.
put_secret() {
    (umask 077 && cat "$1" >"$etc/secrets/$2.new")
    mv "$etc/secrets/$2.new" "$etc/secrets/$2"
}
# The next step must not begin while a worker has what was before this one.
restart_all_for() {
    restart_bridge
    restart_workers
    $all_restarted || fail "$1 is not over: the workers above are still in a call. What they have is still taken; vox-host rotate workers \
goes on from here, with a longer --wait or when they are through"
}
