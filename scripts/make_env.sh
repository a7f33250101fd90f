#!/usr/bin/env bash
# Makes a virtual environment with this project in it, on a machine that may have only Python.
#
#   scripts/make_env.sh PYTHON VENV_DIR EXTRAS [ARGUMENT-OF-PIP-INSTALL...]
#   scripts/make_env.sh python3 .venv dev -c requirements/dev.txt
#   scripts/make_env.sh python3 .venv-newest dev
#
# Debian's python3 comes without ensurepip, so `python3 -m venv` fails there and leaves half a
# directory. This script installs what is missing. It prints one line per stage, and the output of
# pip and apt only if they fail. It starts from an empty VENV_DIR every time.

set -euo pipefail

if (($# < 3)); then
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
python=$1 venv_dir=$2 extras=$3
shift 3
cd "$(dirname "$0")/.."

log() { printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Run a command; show what it printed only if it fails.
quietly() {
    local output status=0
    output=$(mktemp)
    "$@" >"$output" 2>&1 || status=$?
    if ((status)); then
        printf 'error: this failed with status %d: %s\n' "$status" "$*" >&2
        cat "$output" >&2
    fi
    rm -f "$output"
    return "$status"
}

# Put "sudo -n" before a command unless we are root; fail if neither is possible.
as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() { ((EUID == 0)) || { command -v sudo && sudo -n true; } >/dev/null 2>&1; }

install_venv_package() {
    local package
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    command -v apt-get >/dev/null ||
        fail "$python has no ensurepip; install your system's package for it, then run this again"
    can_be_root ||
        fail "$python has no ensurepip; run: sudo apt-get install $package, then run this again"
    log "Installing $package (Debian ships Python without ensurepip)"
    quietly as_root apt-get update
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends "$package"
}

command -v "$python" >/dev/null || fail "$python is not installed; give another: make PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: this needs Python 3.11 or newer"
"$python" -c 'import ensurepip' 2>/dev/null || install_venv_package

log "Creating $venv_dir with $("$python" --version)"
quietly "$python" -m venv --clear "$venv_dir"

log "Installing s3-xfer[$extras]${*:+ with $*} into $venv_dir"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
with_pip() {
    quietly "$venv_dir/bin/python" -m pip install --quiet "$@"
}
with_uv() { # much faster than pip; does not read pip.conf
    with_pip uv && quietly "$venv_dir/bin/uv" pip install --quiet --python "$venv_dir/bin/python" "$@"
}
requirements=(--editable ".[$extras]" "$@")
if [[ ${INSTALLER:-pip} != uv ]]; then
    with_pip "${requirements[@]}"
elif ! with_uv "${requirements[@]}"; then
    log "uv failed: trying pip"
    with_pip "${requirements[@]}"
fi
