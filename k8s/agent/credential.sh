#!/bin/sh
# Writes the one file that the agent of a cluster needs:
#   credential.sh CLUSTER ACCOUNTS SEALING_KEY > k8s/agent/agent.env
# ACCOUNTS is the directory of `python -m shared.bus.accounts`, SEALING_KEY the file of `python -m shared.sealing`.
set -eu
umask 077

cluster=$1 accounts=$2 sealing_key=$3

printf 'cluster=%s\n' "$cluster"
# On one line, as the format wants it.
printf 'credentials.json=%s\n' "$(tr -d '\n' <"$accounts/cluster-$cluster.json")"
printf 'sealing.key=%s\n' "$(tr '\n' ' ' <"$sealing_key")"
