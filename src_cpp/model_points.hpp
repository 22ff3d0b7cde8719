// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The points of a linear model.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "small_algebra.hpp"

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

// The points of a face; basis (points, 3, count).
inline std::vector<Vector3> points_of(
  const std::vector<Vector3> & mean, const std::vector<double> & basis,
  const double * coefficients, std::size_t count)
{
  std::vector<Vector3> points = mean;
  const double * row = basis.data();
  for (Vector3 & point : points) {
    for (double & value : point) {
      value += moved(row, coefficients, count);
      row += count;
    }
  }
  return points;
}

// Of coordinates (count, 3).
inline std::vector<Vector3> vectors_of(const double * coordinates, std::size_t count)
{
  std::vector<Vector3> points(count);
  for (Vector3 & point : points) {
    point = {coordinates[0], coordinates[1], coordinates[2]};
    coordinates += 3;
  }
  return points;
}

}  // namespace face_recon
