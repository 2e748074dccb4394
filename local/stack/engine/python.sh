#!/bin/sh
# Runs a Python module of the local stack: python.sh MODULE ARGUMENTS. With FORK_SERVER, that server starts it.
set -eu

python=${CCLOUD_LOCAL_PYTHON:?is not set: this engine runs inside the local stack only}
if [ -n "${FORK_SERVER:-}" ]; then
    exec "$python" -I -S "$(dirname "$0")/launch.py" "$FORK_SERVER" "$@"
fi
exec "$python" -u -m "$@"
