# What the scripts that run one server in the foreground share; read by */run.sh.
# shellcheck shell=bash disable=SC2034  # the readers use what is set here

# The options that a server may have, as they are without them.
port=0
data=
password=
until_eof=false
# What is no option.
operands=()

# take_options SCRIPT "NAME..." ARGUMENT...: set the variables of the options that this script has.
take_options() {
    local script=$1 known=" $2 "
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
            --until-eof) until_eof=true ;;
            --*)
                [[ $known == *" ${1#--} "* ]] || {
                    echo "$script: unknown option $1" >&2
                    exit 2
                }
                printf -v "${1#--}" '%s' "${2:?$1 needs a value}"
                shift
                ;;
            *) operands+=("$1") ;;
        esac
        shift
    done
}

# no_operands SCRIPT: where there is nothing but options.
no_operands() {
    [ ${#operands[@]} -eq 0 ] || {
        echo "$1: '${operands[0]}' is no option" >&2
        exit 2
    }
}

# A port of loopback that nobody has just now, neither for TCP nor for UDP. It lies below those that the kernel gives to whoever asks for
# any: no connection of another test takes it before the server does, or while the server is started again. Two scripts that ask at once
# begin at different ones.
free_port() {
    python3 - <<'PORT'
import os, socket, sys

for nth in range(4000):
    port = 16000 + (os.getpid() * 7 + nth) % 4000
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(type=kind) as taken:
                taken.bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    sys.exit()
sys.exit("no port of loopback is free from 16000 to 19999")
PORT
}

# serve_until_end SCRIPT PID: stay until standard input ends, if that was asked for, or until the server does, which is a fault.
serve_until_end() {
    if $until_eof; then
        cat >/dev/null 8>&-
        stop 0
    fi
    while kill -0 "$2" 2>/dev/null; do sleep 0.2; done
    echo "$1: the server ended by itself" >&2
    exit 1
}

# Folders. One that is named after a process (`run123`, `kept123-1`) is nobody's when that process is no more and no server has it.
# HOLD_SECONDS: so long a server that was killed may have it still.
HOLD_SECONDS=10

# hold SCRIPT PLACE: it is in use from now on, by this script and by whatever it starts.
hold() {
    exec 8>"$2/lock"
    flock -w "$HOLD_SECONDS" 8 || {
        echo "$1: another server uses $2" >&2
        exit 1
    }
}

# sweep PLACE...: remove those that are nobody's. Two scripts may do so at once, and one that is just made has no lock yet.
sweep() {
    local place
    for place in "$@"; do
        [[ ${place##*/} =~ (^|\.)(run|kept)([0-9]+)([.-][[:alnum:]]+)?$ && -e $place/lock && ! -d /proc/${BASH_REMATCH[3]} ]] || continue
        (flock -n 7 && rm -rf "$place") 2>/dev/null 7<"$place/lock" || true
    done
}

# make_place NAME: a folder of this run's own in `place`, when those of servers before were looked at.
make_place() {
    sweep "${TMPDIR:-/tmp}/vox-test-$1".run*
    place=$(mktemp -d "${TMPDIR:-/tmp}/vox-test-$1.run$$.XXXXXX")
    hold "$1/run" "$place"
}

# forget SCRIPT DIR NAME: remove what is kept there under this name. No server may use it.
forget() {
    [[ $3 =~ ^[A-Za-z0-9_-]+$ && $3 != template ]] || {
        echo "$1: no data has the name '$3'" >&2
        exit 2
    }
    [ ! -d "$2/$3" ] || {
        hold "$1" "$2/$3"
        rm -rf "${2:?}/$3"
    }
    exit 0
}
