#!/usr/bin/env bash
# Does what the Dockerfile does, without a container engine: takes what it copies, and nothing else,
# into an empty directory, installs from there, and uses the program.
#
#   container/try.sh

set -euo pipefail
cd "$(dirname "$0")/.."
clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT
mkdir "$clean/source"

while read -r _ words; do
    read -r -a names <<<"$words"
    target=$clean/source/${names[-1]}
    mkdir -p "$(dirname "$target")"
    cp -a "${names[@]::${#names[@]}-1}" "$target"
done < <(grep '^COPY [^-]' Dockerfile)

"$clean/source/container/install.sh" "$clean/s3-xfer"
cd /
"$clean/s3-xfer/bin/s3-xfer" copy --help >/dev/null
"$clean/s3-xfer/bin/s3-xfer" runbook exit-codes | head -n 3
echo "Installed and used as in the Dockerfile"
