#!/bin/sh
# Builds and runs the renderer's C++ tests, outside CMake and Python.
#
#   src_cpp/test/run.sh              as shipped
#   src_cpp/test/run.sh sanitize     with AddressSanitizer and UndefinedBehaviorSanitizer
#   src_cpp/test/run.sh threads      with ThreadSanitizer
#   src_cpp/test/run.sh aarch64      cross-compiled, under qemu-aarch64 (g++-aarch64-linux-gnu,
#                                    qemu-user)
#
#   src_cpp/test/run.sh stages       not a test: how long each stage takes (stage_benchmark.cpp)
#
# Further arguments: rounds of fuzzing, seed; of stages: instruction set. CXX chooses the compiler, BUILD_DIR where to build.
set -eu
mode=plain
case "${1:-}" in sanitize | threads | aarch64 | stages) mode=$1 && shift ;; esac

cd "$(dirname "$0")/.."
build=${BUILD_DIR:-../build/renderer_test}/$mode
mkdir -p "$build"
cxx=${CXX:-g++}
flags="-std=c++17 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
link=-pthread
run=
program=renderer_test
case $mode in
  sanitize)
    flags="$flags -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined"
    flags="$flags -fno-sanitize-recover=all"
    link="$link -fsanitize=address,undefined"
    ;;
  threads)
    flags="$flags -g -O1 -fsanitize=thread"
    link="$link -fsanitize=thread"
    ;;
  stages)
    flags="$flags -O3 -DNDEBUG"
    program=stage_benchmark
    ;;
  aarch64)
    cxx=${CXX:-aarch64-linux-gnu-g++}
    link="$link -static"
    run=qemu-aarch64
    ;;
esac
machine=$($cxx -dumpmachine)

objects=
for source in *.cpp "test/$program.cpp"; do
  [ "$source" = bindings.cpp ] && continue
  extra=
  case "$source:$machine" in *_avx2.cpp:x86_64*) extra="-mavx2 -mfma -mf16c" ;; esac
  object=$build/$(basename "$source" .cpp).o
  # shellcheck disable=SC2086
  $cxx $flags $extra -c "$source" -o "$object"
  objects="$objects $object"
done
# shellcheck disable=SC2086
$cxx $objects $link -o "$build/$program"
exec $run "$build/$program" "$@"
