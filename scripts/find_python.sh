#!/usr/bin/env bash
# Prints the path of a Python of one version, or says that there is none and fails.
#
#   scripts/find_python.sh 3.13
#
# Looks on the PATH, among pyenv's versions, and for what uv can find or install; as root on a Debian
# that has a package of the version, it installs that.

set -euo pipefail
version=$1

works() { # PATH
    [[ $("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) == "$version" ]]
}

found() {
    printf '%s\n' "$1"
    exit 0
}

candidates=("$(command -v "python$version" || true)")
for path in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
    candidates+=("$path")
done
for path in "${candidates[@]}"; do
    if [[ -n $path ]] && works "$path"; then found "$path"; fi
done

for uv in uv "$(dirname "$0")/../.venv/bin/uv"; do
    command -v "$uv" >/dev/null || continue
    if path=$("$uv" python find "$version" 2>/dev/null) && works "$path"; then found "$path"; fi
    if timeout 300 "$uv" python install "$version" >/dev/null 2>&1 &&
        path=$("$uv" python find "$version" 2>/dev/null) && works "$path"; then found "$path"; fi
done

if ((EUID == 0)) && command -v apt-get >/dev/null; then
    apt-get update -qq >/dev/null 2>&1 || true
    if DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
        "python$version" "python$version-venv" >/dev/null 2>&1 && works "/usr/bin/python$version"; then
        found "/usr/bin/python$version"
    fi
fi

echo "error: no Python $version: not on the PATH, not among pyenv's, and neither uv nor apt-get" \
    "can install one here. Nothing was tested on it." >&2
exit 1
