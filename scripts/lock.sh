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
lock onnx --excludes onnx.excludes
# One platform and one Python only, where the others are for all.
../../.venv/bin/uv pip compile --quiet --python-platform x86_64-manylinux_2_28 --python-version 3.7 \
    --generate-hashes --no-annotate --custom-compile-command "make lock" lite-x86.in -o lite-x86.txt
echo "locked lite-x86"
../../.venv/bin/uv pip compile --quiet --python-platform x86_64-manylinux_2_28 --python-version 3.10 \
    --generate-hashes --no-annotate --custom-compile-command "make lock" gpu.in -o gpu.txt
echo "locked gpu"
lock engines --excludes engines.excludes
# Bindings of TensorRT without its libraries, for the tests of what they have.
for version in 10 11; do lock "../../tests/contract/tensorrt/trt$version"; done
