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

# A port of loopback that nobody has just now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# serve_until_end SCRIPT PID: stay until standard input ends, if that was asked for, or until the server does, which is a fault.
serve_until_end() {
    if $until_eof; then
        cat >/dev/null
        stop 0
    fi
    while kill -0 "$2" 2>/dev/null; do sleep 0.2; done
    echo "$1: the server ended by itself" >&2
    exit 1
}
