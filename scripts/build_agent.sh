#!/bin/sh
# Build the device program: for an Android phone, or with --cxx for a board with Linux.
#
#   scripts/build_agent.sh NDK_DIR PADDLE_LITE_DIR [OUT_DIR]
#   scripts/build_agent.sh --cxx aarch64-linux-gnu-g++ PADDLE_LITE_DIR [OUT_DIR]
#
# OUT_DIR (build/agent) gets the program, the libraries that go with it and agent.json, which tells
# what they are. CXXFLAGS is passed on. Status 2: something has to be fetched first; it says what.
set -eu

project=$(cd "$(dirname "$0")/.." && pwd)
sources=$project/bench/runners/paddle_lite/agent
library=libpaddle_light_api_shared.so

refuse() {
    echo "build_agent.sh: $1" >&2
    exit 2
}

wrong_use() {
    refuse "its words are NDK_DIR PADDLE_LITE_DIR [OUT_DIR], or --cxx COMPILER PADDLE_LITE_DIR [OUT_DIR]"
}

if [ "${1-}" = --cxx ]; then
    [ $# -ge 3 ] && [ $# -le 4 ] || wrong_use
    compiler=$2
    shift
    asset=inference_lite_lib.armlinux.armv8.gcc.with_extra.tar.gz
    libraries='-pthread -ldl'
    runtime=
    command -v "$compiler" >/dev/null 2>&1 || refuse \
        "there is no compiler '$compiler': on Debian, apt install g++-aarch64-linux-gnu"
else
    [ $# -ge 2 ] && [ $# -le 3 ] || wrong_use
    asset=inference_lite_lib.android.armv8.clang.c++_shared.with_extra.tar.gz
    libraries='-fopenmp -static-openmp -llog -latomic -pthread -ldl -lz'
    # Static OpenMP came with r21.
    revision=$(sed -n 's/^Pkg\.Revision *= *\([0-9]*\).*/\1/p' "$1/source.properties" 2>/dev/null) || :
    compiler=
    for found in "$1"/toolchains/llvm/prebuilt/*/bin/aarch64-linux-android21-clang++; do
        [ ! -x "$found" ] || compiler=$found
    done
    [ -n "$compiler" ] && [ "${revision:-0}" -ge 21 ] || refuse \
        "there is no Android NDK r21 or later in '$1': fetch one from developer.android.com/ndk"
    runtime=${compiler%/bin/*}/sysroot/usr/lib/aarch64-linux-android/libc++_shared.so
    [ -f "$runtime" ] || refuse \
        "the NDK lacks '$runtime': fetch NDK r21 or later from developer.android.com/ndk"
fi
lite=$2
out=${3-$project/build/agent}

for needed in "$lite/cxx/include/paddle_api.h" "$lite/cxx/lib/$library"; do
    [ -f "$needed" ] || refuse \
        "there is no '$needed': fetch and unpack $asset of Paddle-Lite v2.12 from its releases page"
done
command -v python3 >/dev/null 2>&1 || refuse "there is no python3, which writes agent.json: install it"

mkdir -p "$out"
rm -f "$out/agent.json"  # none stands beside files that it doesn't tell of
# The library's header isn't ours to warn about: -isystem.
# shellcheck disable=SC2086 # flags are words
"$compiler" -std=c++11 -O3 -fPIE -pie -Wall -Wextra ${CXXFLAGS-} \
    -isystem "$lite/cxx/include" "$sources/bench_agent.cpp" -o "$out/bench_agent" \
    -L"$lite/cxx/lib" -lpaddle_light_api_shared -Wl,-rpath,'$ORIGIN' $libraries
cp "$lite/cxx/lib/$library" "$out/"
if [ -n "$runtime" ]; then cp "$runtime" "$out/"; fi

python3 - "$sources" "$out" "$library" ${runtime:+"${runtime##*/}"} <<'END'
import hashlib, json, pathlib, sys

sources, out = map(pathlib.Path, sys.argv[1:3])
source = hashlib.sha256()
for path in sorted([*sources.glob("*.cpp"), *sources.glob("*.hpp")]):
    source.update(path.name.encode() + b"\0" + path.read_bytes())
files = {name: (out / name).read_bytes() for name in ["bench_agent", *sys.argv[3:]]}
machine = int.from_bytes(files["bench_agent"][18:20], "little")  # e_machine of the ELF header
facts = {
    "abi": {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86"}.get(machine, "unknown"),
    "source_sha256": source.hexdigest(),
    "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
}
(out / "agent.json").write_text(json.dumps(facts, indent=2) + "\n")
END
echo "built $out/bench_agent"
