#!/bin/sh
# Prints the name of a Python that is new enough and can make virtual environments.
set -u
wanted='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$python" -c "$wanted" >/dev/null 2>&1; then
        echo "$python"
        exit 0
    fi
done
echo "Kartoteka needs Python 3.11 or newer with its venv module" >&2
echo "(on Debian and Ubuntu: apt install python3-venv), or PYTHON=/path/to/python make ..." >&2
exit 1
