#!/usr/bin/env bash
# Writes the locked versions: requirements/*.txt and container/constraints.txt (make lock).
#
#   scripts/lock.sh PYTHON
#
# Each file is a list of constraints for `pip install -c`, for every Python from 3.11 on. PYTHON is
# one in which uv is, or can be installed: only uv resolves for several Pythons at once.

set -euo pipefail
python=$1
cd "$(dirname "$0")/.."
"$python" -c 'import uv' 2>/dev/null || "$python" -m pip install --quiet uv

lock() { # FILE ARGUMENTS...
    local file=$1
    shift
    "$python" -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate \
        --custom-compile-command "make lock" --output-file "$file" pyproject.toml "$@"
    echo "Locked: $file"
}

lock requirements/dev.txt --extra dev
# The floors themselves are constraints: it is the rest that is resolved around them.
lock requirements/oldest.txt --extra test --constraints requirements/oldest.in
lock requirements/docs.txt --extra crt --extra docs --constraints requirements/dev.txt
for input in requirements/airflow-*.in; do
    lock "${input%.in}.txt" "$input" --extra test-airflow
done
# The image has what was tested, no more and no less, for the one platform that it is built for.
"$python" -m uv pip compile --quiet --upgrade --python-version 3.13 --python-platform linux \
    --no-annotate --custom-compile-command "make lock" --extra crt \
    --constraints requirements/dev.txt --output-file container/constraints.txt pyproject.toml
echo "Locked: container/constraints.txt"
