// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What the loops over a type of eight lanes (simd_*.hpp) share. They are templates, included once per
// instruction set, each time in an unnamed namespace, so that no copy compiled for one processor is
// linked for another.
#pragma once

#include <cstddef>

namespace face_recon
{
namespace
{

constexpr std::size_t kLanes = 8;

template <typename Simd, typename Float = typename Simd::Float>
Float dot(Float x, Float y, Float z, const Float (&with)[3])
{
  return Simd::add(Simd::add(Simd::mul(x, with[0]), Simd::mul(y, with[1])), Simd::mul(z, with[2]));
}

}  // namespace
}  // namespace face_recon
