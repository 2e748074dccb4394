#!/bin/sh
# Prints the path of a Python that runs the project and can make virtual environments.
#
# Usage: find-python.sh [PYTHON]
#   PYTHON  the only one to consider; without it: the usual names on PATH, the newest first
set -u

[ $# -gt 0 ] || set -- python3.13 python3.12 python3.11 python3
found=
for python; do
    # It is started, not only looked up: a name on PATH may be a version manager's that leads nowhere.
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in
    3.11 | 3.12 | 3.13)
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$python"
            exit 0
        fi
        found="$found, $python (version $version, without the module ensurepip: its package python$version-venv is missing)"
        ;;
    *)
        found="$found, $python (version $version)"
        ;;
    esac
done

[ -n "$found" ] || found=", none of $(echo "$*" | sed 's/ /, /g')"
cat >&2 <<TEXT
error: Python 3.11, 3.12 or 3.13 with its module venv is needed; found: ${found#, }.
On Debian 12 or Ubuntu 24.04: apt-get install --yes python3-venv
Elsewhere, name one: make PYTHON=/path/to/python3.12 ...
TEXT
exit 1
