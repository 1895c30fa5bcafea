#!/bin/sh
# Makes .venv, with everything that the project needs, out of any Python 3 that can install uv.
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

free_megabytes=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_megabytes" -ge 3000 ] ||
    fail "The environment needs 3 GB of free disk here and there are $free_megabytes MB: free some and try again."

# The first Python that can install uv, of all on the PATH and of all that pyenv has: its shim may not run, because
# our .python-version names a Python that pyenv lacks.
find_python() {
    python= old= broken=
    IFS=:
    for directory in $PATH "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin; do
        for candidate in "$directory"/python3 "$directory"/python "$directory"/python3.[0-9] "$directory"/python3.[0-9][0-9]; do
            [ -x "$candidate" ] || continue
            "$candidate" -c 'import sys; sys.exit(3 * (sys.version_info < (3, 8)))' >/dev/null 2>&1 && status=0 || status=$?
            case $status in
                0) python=$candidate; break 2 ;;
                3) old=$candidate ;;
                *) broken=$candidate ;;
            esac
        done
    done
    unset IFS
}

install_uv() {
    # Debian's Python comes without the venv module; its pip can still install into a directory.
    if "$python" -m venv .uv >/dev/null 2>&1; then
        .uv/bin/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
    else
        rm -rf .uv
        "$python" -m pip install --quiet --require-hashes --target .uv --requirement requirements/uv.txt
    fi
}

# An old uv cannot replace an environment.
if uv venv --help 2>/dev/null | grep -q -e --clear; then
    uv=uv
else
    uv=.uv/bin/uv
    if ! [ .uv/installed -nt requirements/uv.txt ]; then
        find_python
        remedy="install Python 3.8 or newer, or uv, and try again."
        if [ -z "$python" ]; then
            [ -z "$old" ] || fail "$("$old" --version 2>&1) is too old to install uv: $remedy"
            [ -z "$broken" ] || fail "$broken does not run ($("$broken" --version 2>&1 | head -n 1)): $remedy"
            fail "There is no Python on the PATH: $remedy"
        fi
        say "Installing uv."
        rm -rf .uv
        said=$(install_uv 2>&1) || fail "$said
uv could not be installed by $python: see above, or install uv and try again."
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
