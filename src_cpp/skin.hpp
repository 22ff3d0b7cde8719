// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The points of a face's skin at which depth is compared.
#pragma once

#include <cstddef>
#include <vector>

#include "small_algebra.hpp"

namespace face_recon
{

class Skin
{
public:
  // mean and normals (count, 3), of the mean; basis (shapes + expressions, count, 3), metres: how
  // each component moves the points.
  Skin(
    const double * mean, const double * normals, const float * basis, std::size_t count,
    std::size_t shapes, std::size_t expressions);

  std::size_t count() const { return mean_.size(); }
  std::size_t shapes() const { return shapes_; }
  std::size_t expressions() const { return expressions_; }

  // Writes the points (count, 3) of a shape, as fitted, and of another, both with an expression;
  // and how far the other's lie out of the mean along the normals (count,), but for a similarity,
  // to first order and without the expression.
  void place(
    const double * fitted_shape, const double * shape, const double * expression, double * fitted,
    double * other, double * offsets) const;

private:
  void add_moves(
    const double * coefficients, std::size_t first, std::size_t components,
    std::vector<float> & moves) const;

  std::vector<Vector3> mean_;
  std::vector<Vector3> normals_;
  std::vector<Vector3> centred_;  // the mean, from its middle
  std::vector<float> basis_;
  std::size_t shapes_ = 0;
  std::size_t expressions_ = 0;
};

}  // namespace face_recon
