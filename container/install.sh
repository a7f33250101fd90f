#!/bin/sh
# Installs the command line and nothing else into an environment of its own: the one step of the
# Dockerfile, in a file so that it is tested without a container engine (make test-container).
#
#   container/install.sh DIRECTORY
set -eu
directory=$1
cd "$(dirname "$0")/.."
python3 -m venv "$directory"
"$directory/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check \
    --constraint container/constraints.txt '.[crt]'
"$directory/bin/pip" check
"$directory/bin/pip" uninstall --quiet --yes pip
"$directory/bin/s3-xfer" --version
