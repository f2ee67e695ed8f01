#!/bin/sh
# Makes the centre's secrets beside this script; what is there already is kept, so that it may be run again:
#   make.sh NATS_URL CLUSTER… [-- OPTION…]
# NATS_URL is where everyone finds NATS, agents outside included. What follows -- is for `python -m shared.bus.accounts`.
# For every cluster there is a sealing key afterwards; `kubemin-admin cluster add` wants its public half (CLUSTER.pub).
set -eu
umask 077

python=${PYTHON:-python3}
cd -P "$(dirname "$0")"
here=$PWD

url=$1
shift
clusters=
while [ $# -gt 0 ]; do
    [ "$1" != -- ] || { shift && break; }
    clusters="$clusters $1"
    shift
done

# Our own package is found beside us in a clone, and in the environment of an image.
cd ../..
for cluster in $clusters; do
    set -- --cluster "$cluster" "$@"
    [ -e "$here/$cluster.key" ] ||
        "$python" -m shared.sealing keygen --out "$here/$cluster.key" >"$here/$cluster.pub"
done
"$python" -m shared.bus.accounts --out "$here/accounts" --url "$url" --store-dir /data/jetstream "$@"
[ -e "$here/sealing-mark.key" ] ||
    "$python" -c 'import secrets; print(secrets.token_hex(32))' >"$here/sealing-mark.key"
