#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Builds and runs the C++ tests of renderer, pose solver, depth and eyes, without ROS and Python.
#
#   src_cpp/test/run.sh              as shipped
#   src_cpp/test/run.sh sanitize     with AddressSanitizer and UndefinedBehaviorSanitizer
#   src_cpp/test/run.sh threads      with ThreadSanitizer
#   src_cpp/test/run.sh aarch64      cross-compiled, under qemu-aarch64 (g++-aarch64-linux-gnu,
#                                    qemu-user)
#
#   src_cpp/test/run.sh stages       not a test: how long each stage takes (stage_benchmark.cpp)
#
# Further arguments: rounds of fuzzing, seed; of stages: instruction set. CXX chooses the
# compiler, BUILD_DIR where to build.
set -euo pipefail
mode=plain
case ${1:-} in sanitize | threads | aarch64 | stages) mode=$1 && shift ;; esac

source=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$source/../build/renderer_test}/$mode
programs=(renderer_test pose_test senses_test)
configure=(-DFACE_RECON_WERROR=ON)
run=()
case $mode in
  sanitize)
    configure+=(
      -DCMAKE_BUILD_TYPE=Debug
      '-DCMAKE_CXX_FLAGS_DEBUG=-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all')
    ;;
  threads)
    configure+=(-DCMAKE_BUILD_TYPE=Debug '-DCMAKE_CXX_FLAGS_DEBUG=-g -O1 -fsanitize=thread')
    ;;
  aarch64)
    configure+=(
      -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
      "-DCMAKE_CXX_COMPILER=${CXX:-aarch64-linux-gnu-g++}" -DCMAKE_EXE_LINKER_FLAGS=-static)
    run=(qemu-aarch64)
    ;;
  stages)
    programs=(stage_benchmark)
    ;;
esac

mkdir -p "$build"
{
  cmake -S "$source" -B "$build" "${configure[@]}"
  cmake --build "$build" --target "${programs[@]}" --parallel "$(nproc)"
} >"$build/build.log" 2>&1 || { cat "$build/build.log" >&2; exit 1; }
for program in "${programs[@]}"; do
  "${run[@]}" "$build/$program" "$@"
done
