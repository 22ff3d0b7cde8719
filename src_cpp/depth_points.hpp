// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What all looks at the depths of a face's points share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "small_algebra.hpp"

namespace face_recon
{

// A surface that the camera sees at a flatter angle is not looked up: cosine.
constexpr double kLeastFacing = 0.4;

inline Vector3 row_of(const double * values, std::size_t n)
{
  return {values[3 * n], values[3 * n + 1], values[3 * n + 2]};
}

// Of the middle two of an even number of values the larger; they are reordered.
inline double upper_median(std::vector<double> & values)
{
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The mean of the middle two of an even number of values, which are reordered.
inline double median(std::vector<double> & values)
{
  const double upper = upper_median(values);
  if (values.size() % 2 == 1) {
    return upper;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  return (*std::max_element(values.begin(), middle) + upper) / 2;
}

}  // namespace face_recon
