// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// From landmarks and a rotation to the 62 parameters, in closed form.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "float_matrix.hpp"
#include "small_algebra.hpp"

namespace face_recon
{

// See lips.with_closed_lips: pairs of landmarks (upper, lower), and gaps as parts of the distance
// between the outer eye corners, metres.
struct LipSettings
{
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  double canthal_distance_m = 1;
  double closed_gap = 0;
  double open_gap = 1;
};

// One round of face_model.decoding.ParameterDecoder, which defines it; products are in single
// precision.
class LandmarkDecoder
{
public:
  // mean (landmarks, 3), basis (landmarks, 3, coefficients), metres, model axes; solve
  // (coefficients, 3 * landmarks): coefficients of landmarks less the mean's.
  LandmarkDecoder(
    const double * mean, const double * basis, const double * solve, std::size_t landmarks,
    std::size_t coefficients, LipSettings lips);

  // The landmarks of a face (landmarks,).
  std::vector<Vector3> points_of(const double * coefficients) const;

  // points_px (landmarks, 2); rotation: model axes -> image right, up, towards the viewer. points
  // are those of the face to start from, then of the one that is found, whose coefficients
  // (coefficients,) are written. Returns its camera matrix (3, 4).
  std::array<double, 12> decode(
    const std::vector<std::array<double, 2>> & points_px, const Matrix3 & rotation,
    std::vector<Vector3> & points, double * coefficients) const;

private:
  struct Fit;

  void close_lips(std::vector<Vector3> & points) const;

  std::size_t coefficients_ = 0;
  std::vector<Vector3> mean_;
  FloatMatrix basis_;
  FloatMatrix solve_;
  LipSettings lips_;
};

}  // namespace face_recon
