#!/bin/sh
# Resolve each bench/envs/*.in into its locked .txt, with hashes, for every platform and Python.
set -eu
cd "$(dirname "$0")/../bench/envs"
lock() {
    name=$1
    shift
    ../../.venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --no-annotate --custom-compile-command "make lock" \
        "$name.in" -o "$name.txt" "$@"
    echo "locked $name"
}
lock harness
lock dev -c harness.txt
lock paddle
lock lite --prerelease=allow
