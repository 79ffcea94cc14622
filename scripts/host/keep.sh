# Copies of a host's data, and new secrets; read by vox-host.
# shellcheck shell=bash disable=SC2154  # the reader's variables

# What is copied, below /; data only where the embedded engines have it.
KEPT=(etc/vox var/lib/vox)

backup() {
    local to=$1
    [ ! -e "$to" ] || [ -z "$(ls -A "$to")" ] || fail "$to is not empty: name a new directory"
    install -d -m 0700 "$to"
    to=$(cd "$to" && pwd)
    local was_active=false folder copied=true
    if systemctl is-active --quiet vox-bridge.service; then
        was_active=true
        # Calls go on; their results wait on the workers' disks.
        systemctl stop vox-bridge.service
    fi
    for folder in "${KEPT[@]}"; do
        [ -d "/$folder" ] || continue
        mkdir -p "$to/$(dirname "$folder")"
        cp -a --reflink=auto "/$folder" "$to/$folder" || copied=false
    done
    ! $was_active || systemctl start vox-bridge.service
    $copied || fail "not all of it was copied to $to; what failed is above"
    (cd "$to" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum) >"$to/SHA256SUMS"
    say "copied to $to: it holds the master key and every secret, so keep it where only you read it"
}

restore() {
    local from=$1 folder
    [ -s "$from/SHA256SUMS" ] || fail "$from has no SHA256SUMS: it is no whole backup of vox-host"
    (cd "$from" && sha256sum --check --quiet SHA256SUMS) || fail "$from is damaged: the files above are not as they were copied; nothing was changed"
    from=$(cd "$from" && pwd)
    ! systemctl is-active --quiet vox-bridge.service || systemctl stop vox-bridge.service
    for folder in "${KEPT[@]}"; do
        [ -d "$from/$folder" ] || continue
        rm -rf "/$folder.restored"
        cp -a --reflink=auto "$from/$folder" "/$folder.restored"
        rm -rf "/$folder.before-restore"
        [ ! -d "/$folder" ] || mv "/$folder" "/$folder.before-restore"
        mv "/$folder.restored" "/$folder"
    done
    # The numbers of users may be others on this host.
    [ ! -d /var/lib/vox ] || chown -R vox:vox /var/lib/vox
    say "restored; what was here is beside it, as …before-restore: remove it when all is well"
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
}

# In three steps, in each of which both sides take what the other sends: a call that begins meanwhile finds its bridge.
rotate_workers() {
    [ "$(chosen role all)" = all ] ||
        fail "this deployment has several hosts: change the workers' secret by hand, in the order of docs/runbook.md"
    local secrets=$etc/secrets
    (umask 077 && random 48 >"$secrets/voxcore-secret-also.new")
    mv "$secrets/voxcore-secret-also.new" "$secrets/voxcore-secret-also"
    say "1 of 3: the new one is taken too"
    restart_bridge
    restart_workers
    cp -p "$secrets/voxcore-secret" "$secrets/voxcore-secret.old"
    mv "$secrets/voxcore-secret-also" "$secrets/voxcore-secret.new"
    mv "$secrets/voxcore-secret.old" "$secrets/voxcore-secret-also"
    mv "$secrets/voxcore-secret.new" "$secrets/voxcore-secret"
    say "2 of 3: the new one is sent"
    restart_bridge
    restart_workers
    : >"$secrets/voxcore-secret-also"
    say "3 of 3: the old one is taken no more"
    restart_bridge
    restart_workers
    say "voxcore-secret is a new one"
}
