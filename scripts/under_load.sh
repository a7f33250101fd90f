#!/usr/bin/env bash
# Runs a command beside processes that do nothing but want the processors, and ends them with it.
#
#   scripts/under_load.sh 30 .venv/bin/python -m pytest tests/access
#
# What passes here does not depend on how fast the machine is.

set -euo pipefail
processes=$1
shift
loops=()
trap 'kill "${loops[@]}"' EXIT
for ((number = 0; number < processes; number++)); do
    (while :; do :; done) &
    loops+=($!)
done
"$@"
