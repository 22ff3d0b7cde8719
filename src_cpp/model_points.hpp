// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// How far the components of a linear model move one coordinate.
#pragma once

#include <array>
#include <cstddef>

namespace face_recon
{

// The sum of row * coefficients.
inline double moved(const double * row, const double * coefficients, std::size_t count)
{
  // four sums, for the additions not to wait for one another
  std::array<double, 4> sums{};
  std::size_t k = 0;
  for (; k + 4 <= count; k += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      sums[lane] += row[k + lane] * coefficients[k + lane];
    }
  }
  for (; k < count; ++k) {
    sums[0] += row[k] * coefficients[k];
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace face_recon
