#!/bin/sh
# Makes .venv, with everything that the project needs, out of any Python 3 that can install uv.
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

free_megabytes=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_megabytes" -ge 3000 ] ||
    fail "The environment needs 3 GB of free disk here and there are $free_megabytes MB: free some and try again."

if command -v uv >/dev/null; then
    uv=uv
else
    python=$(command -v python3 || command -v python) ||
        fail "There is no Python on the PATH: install Python 3.8 or newer, or uv, and try again."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' ||
        fail "$("$python" --version 2>&1) is too old to install uv: install Python 3.8 or newer, or uv, and try again."
    uv=.uv/bin/uv
    if ! [ .uv/installed -nt requirements/uv.txt ]; then
        say "Installing uv."
        rm -rf .uv
        # Debian's Python comes without the venv module; its pip can still install into a directory.
        if "$python" -m venv .uv >/dev/null 2>&1; then
            .uv/bin/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
        else
            rm -rf .uv
            "$python" -m pip install --quiet --require-hashes --target .uv --requirement requirements/uv.txt
        fi || fail "uv could not be installed by $("$python" --version): see above, or install uv and try again."
        touch .uv/installed
    fi
fi

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
    say "Creating the environment with Python $(cat .python-version)."
    "$uv" venv --quiet --clear .venv ||
        fail "There is no Python $(cat .python-version) and it could not be fetched: install it and try again."
fi
say "Installing the project's packages."
[ -t 2 ] && quiet= || quiet=--quiet
"$uv" pip sync $quiet --python .venv --require-hashes requirements/dev.txt
"$uv" pip install --python .venv --quiet --no-deps --no-build-isolation --editable .
touch .venv/installed
