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
# Version 10 of what Dask asks for is too new for the tests' mlflow-skinny.
lock harness -c harness.constraints
lock dev -c harness.txt
lock paddle
lock lite --prerelease=allow
lock onnx --excludes onnx.excludes
# One platform only, where the others are for all, from one Python on.
lock_linux() {
    ../../.venv/bin/uv pip compile --quiet --python-platform x86_64-manylinux_2_28 --python-version "$2" \
        --generate-hashes --no-annotate --custom-compile-command "make lock" "$1.in" -o "$1.txt"
    echo "locked $1"
}
lock_linux lite-x86 3.7
lock_linux gpu-volta 3.10
lock_linux gpu 3.11
lock engines --excludes engines.excludes
# Bindings of TensorRT without its libraries, for the tests of what they have.
for version in 10 11; do lock "../../tests/contract/tensorrt/trt$version"; done
