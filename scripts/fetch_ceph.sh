#!/usr/bin/env bash
# Unpacks Ceph's S3 gateway, with everything it needs, from Debian's packages into a directory.
#
#   scripts/fetch_ceph.sh DIRECTORY
#
# Debian 12 has Ceph 16, whose multipart copies are wrong; later suites have a newer one. Nothing is
# installed, no maintainer script runs, root is not needed, and the machine's own apt is not
# changed: lists and packages go to a temporary directory, signatures are verified as always. The
# programs run through the directory's own dynamic loader. DIRECTORY/packages.txt lists what was
# unpacked (the suite moves). A complete DIRECTORY is left alone.

set -euo pipefail

SUITE=forky # carries Ceph 20.2
PACKAGES=(radosgw ceph-mon ceph-osd ceph-common)
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

(($# == 1)) || fail "usage: $0 DIRECTORY"
for program in apt-get dpkg-deb tar; do
    command -v "$program" >/dev/null || fail "this needs Debian's $program"
done
[[ $(dpkg --print-architecture) == amd64 ]] || fail "this is only prepared for amd64"
[[ -e $1/.complete ]] && exit 0

rm -rf "$1"
mkdir -p "$1"
directory=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial

# The mirror that this machine's apt uses already.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    2>/dev/null | grep -v security | head -n 1) || true
[[ $mirror ]] || mirror=http://deb.debian.org/debian
echo "deb [signed-by=$KEYRING] $mirror $SUITE main" >"$work/sources.list"

apt_apart() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State="$work" -o Dir::State::lists="$work/lists" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$work/cache" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
        -o APT::Install-Recommends=0 --assume-yes "$@"
}

unpack() {
    dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --no-same-owner \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
        --exclude='./usr/share/locale/*' --exclude='./dev/*' \
        --exclude='./usr/lib/systemd/*' --exclude='./usr/lib/modules/*'
}
export -f unpack

echo "Reading the package lists of Debian $SUITE"
apt_apart update
echo "Downloading ${PACKAGES[*]} and what they need"
apt_apart --download-only install "${PACKAGES[@]}" >/dev/null
echo "Unpacking"
mkdir -p "$directory"/usr/{bin,sbin,lib,lib64}
for name in bin sbin lib lib64; do
    ln -s "usr/$name" "$directory/$name" # some packages still ship the old directories
done
find "$work/cache/archives" -name '*.deb' -print0 |
    xargs -0 -P "$(nproc)" -I{} bash -euo pipefail -c 'unpack "$1" "$2"' unpack {} "$directory"
find "$work/cache/archives" -name '*.deb' -printf '%f\n' | sort >"$directory/packages.txt"

libraries=$directory/usr/lib/x86_64-linux-gnu
"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/ceph" \
    "$directory/usr/bin/radosgw" --version
touch "$directory/.complete"
