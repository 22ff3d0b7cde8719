// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Products of a matrix and a vector in single precision.
#pragma once

#include <cstddef>

#include "lanes.hpp"

namespace face_recon
{
namespace
{

// See Kernels::products. Four rows at once, for the additions not to wait for one another.
template <typename Simd>
void products(
  const float * rows, const float * vector, std::size_t count, std::size_t columns, float * out)
{
  static_assert(kProductColumns == kLanes, "a step takes the lanes of a register");
  for (std::size_t row = 0; row < count; row += kProductRows) {
    const float * at = rows + row * columns;
    typename Simd::Float sums[kProductRows];
    for (auto & sum : sums) {
      sum = Simd::set(0.0F);
    }
    for (std::size_t column = 0; column < columns; column += kLanes) {
      const typename Simd::Float with = Simd::load(vector + column);
      for (std::size_t i = 0; i < kProductRows; ++i) {
        sums[i] = Simd::add(sums[i], Simd::mul(Simd::load(at + i * columns + column), with));
      }
    }
    for (std::size_t i = 0; i < kProductRows; ++i) {
      float lane[kLanes];
      Simd::store(lane, sums[i]);
      out[row + i] =
        ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
  }
}

}  // namespace
}  // namespace face_recon
