#!/usr/bin/env bash
# What stands between a deployment and others: the rules of nftables, the hook of certificates, and TLS to MongoDB, Redis and S3, with
# real servers and an authority made here, which is trusted and then not. Wants root and the programs of a build.
#
#   scripts/check-perimeter.sh [--profile debug]
set -euo pipefail
cd "$(dirname "$0")/.."

profile=debug
[ "${1:-}" != --profile ] || profile=$2
bridge=$(realpath -m "${CARGO_TARGET_DIR:-target}")/$profile/vox-bridge
[ -x "$bridge" ] || { echo "check-perimeter: $bridge is not built" >&2; exit 1; }
PATH=$PATH:/usr/sbin
fail() {
    echo "check-perimeter: $1" >&2
    exit 1
}
work=$(mktemp -d)
ends=()
cleanup() {
    local end
    # Each server ends with its standard input.
    for end in "${ends[@]}"; do exec {end}>&-; done
    wait
    rm -rf "$work"
}
trap cleanup EXIT

# An authority, and a certificate of it for localhost.
certificate() {
    local dir=$1 name=$2
    mkdir -p "$dir"
    [ -e "$work/ca.key" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=an authority" \
        -keyout "$work/ca.key" -out "$work/ca.pem" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$dir/key.pem" -out "$dir/csr.pem" 2>/dev/null
    openssl x509 -req -in "$dir/csr.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 2 -out "$dir/cert.pem" \
        -extfile <(printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$name") 2>/dev/null
    cp "$work/ca.pem" "$dir/ca.pem"
    chmod 644 "$dir"/*.pem
}
certificate "$work/tls" localhost
chmod 755 "$work" "$work/tls"

echo "== rules of nftables"
command -v nft >/dev/null || scripts/install-quietly.sh nftables
# In a network of its own: the kernel is asked, and nothing of this machine changes.
unshare --net nft --check --file ops/nftables.conf || fail "nft does not take ops/nftables.conf"
unshare --net sh -c 'nft --file ops/nftables.conf && nft --file ops/nftables.conf && nft list table inet vox' >"$work/rules" ||
    fail "the rules cannot be loaded twice"
grep -q 'tcp dport { 80, 443 } accept' "$work/rules" || fail "443 is not open: $(cat "$work/rules")"
# Every port of the table in the docs is one that a rule or a program has.
for port in 8101-8356 8501-8756 9464; do
    grep -q "$port" "$work/rules" || fail "the rules have no port $port"
done

echo "== the hook of certificates"
lineage=$work/lineage
mkdir "$lineage"
cp "$work/tls/cert.pem" "$lineage/fullchain.pem"
cp "$work/tls/key.pem" "$lineage/privkey.pem"
RENEWED_LINEAGE=$lineage scripts/host/certificate-hook "$work/etc-tls"
cmp -s "$work/etc-tls/fullchain.pem" "$lineage/fullchain.pem" || fail "the certificate is not where nginx looks"
[ "$(stat -c %a "$work/etc-tls/privkey.pem")" = 600 ] || fail "the key may be read by others"
certificate "$work/other" localhost
cp "$work/other/cert.pem" "$lineage/fullchain.pem"
if RENEWED_LINEAGE=$lineage scripts/host/certificate-hook "$work/etc-tls" 2>"$work/told"; then fail "a key of another certificate was taken"; fi
grep -q "do not belong together" "$work/told" || fail "$(cat "$work/told")"
cmp -s "$work/etc-tls/fullchain.pem" "$work/tls/cert.pem" || fail "the old certificate did not stay"

echo "== TLS to MongoDB, Redis and S3"
# server NAME: starts one with TLS; its address is in $address.
server() {
    mkfifo "$work/$1.in" "$work/$1.out"
    "scripts/$1/run.sh" --tls "$work/tls" --until-eof <"$work/$1.in" >"$work/$1.out" 2>"$work/$1.log" &
    exec {end}>"$work/$1.in"
    ends+=("$end")
    address=
    while read -r line; do
        case $line in "ready "*) address=${line#ready } && break ;; esac
    done <"$work/$1.out"
    [ -n "$address" ] || { cat "$work/$1.log" >&2; fail "$1 does not start with TLS"; }
}
server redis
redis=$address
server s3
s3=$address
server mongodb
mongodb=$address
curl_python() {
    python3 - "$s3/recordings" "$work/ca.pem" <<'PUT'
import ssl, sys, urllib.request
trusting = ssl.create_default_context(cafile=sys.argv[2])
urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="PUT"), timeout=30, context=trusting)
PUT
}
curl_python
secret() { head -c 48 /dev/urandom | base64 -w 0; }
# check NAME=VALUE...: what the bridge says of settings.
check() {
    env -i JWT_SECRET="$(secret)" VOXCORE_SECRET="$(secret)" VOX_MASTER_KEY="$(head -c 32 /dev/urandom | base64 -w 0)" \
        VOX_DATA_DIR="$work/data" LOG_LEVEL=error "$@" "$bridge" check-config
}
bucket=(VOX_S3_URL="$s3" VOX_S3_ACCESS_KEY=testkey VOX_S3_SECRET_KEY=testsecret)
trusted=(SSL_CERT_FILE="$work/ca.pem")
documents=VOX_MONGODB_URI=${mongodb/\/\?//vox?}
check "${trusted[@]}" "$documents&tls=true&tlsCAFile=$work/ca.pem" VOX_REDIS_URL="$redis" "${bucket[@]}"
refused() {
    local what=$1
    shift
    if check "$@" >"$work/told" 2>&1; then fail "$what: a server of an authority that nobody trusts was taken"; fi
    echo "$what, not trusted: $(tail -n 1 "$work/told" | cut -c 1-160)"
}
refused MongoDB "$documents&tls=true"
refused "MongoDB without TLS" "$documents&serverSelectionTimeoutMS=2000"
refused Redis VOX_REDIS_URL="$redis"
refused S3 "${bucket[@]}"
echo "check-perimeter: all of it is as it should be"
