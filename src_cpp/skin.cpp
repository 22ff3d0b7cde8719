// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "skin.hpp"

#include <algorithm>

#include "depth_points.hpp"

namespace face_recon
{
namespace
{

std::vector<Vector3> rows_of(const double * values, std::size_t count)
{
  std::vector<Vector3> rows(count);
  for (std::size_t n = 0; n < count; ++n) {
    rows[n] = row_of(values, n);
  }
  return rows;
}

Vector3 middle_of(const std::vector<Vector3> & points)
{
  Vector3 sum{};
  for (const Vector3 & point : points) {
    sum = sum + point;
  }
  return (1 / static_cast<double>(points.size())) * sum;
}

Vector3 move_of(const std::vector<float> & moves, std::size_t n)
{
  return {moves[3 * n], moves[3 * n + 1], moves[3 * n + 2]};
}

}  // namespace

Skin::Skin(
  const double * mean, const double * normals, const float * basis, std::size_t count,
  std::size_t shapes, std::size_t expressions)
: mean_(rows_of(mean, count)),
  normals_(rows_of(normals, count)),
  centred_(mean_),
  basis_(basis, basis + 3 * count * (shapes + expressions)),
  shapes_(shapes),
  expressions_(expressions)
{
  const Vector3 middle = middle_of(mean_);
  for (Vector3 & point : centred_) {
    point = point - middle;
  }
}

void Skin::place(
  const double * fitted_shape, const double * shape, const double * expression, double * fitted,
  double * other, double * offsets) const
{
  std::vector<float> of_fitted(3 * count()), of_other(of_fitted), of_expression(of_fitted);
  for (std::size_t k = 0; k < shapes_; ++k) {
    // both while the component is at hand
    add_moves(fitted_shape + k, k, 1, of_fitted);
    add_moves(shape + k, k, 1, of_other);
  }
  add_moves(expression, shapes_, expressions_, of_expression);
  Vector3 sum{};
  double along = 0.0, square = 0.0;
  for (std::size_t n = 0; n < count(); ++n) {
    const Vector3 move = move_of(of_other, n);
    sum = sum + move;
    along += dot(centred_[n], move);
    square += dot(centred_[n], centred_[n]);
  }
  const Vector3 shift = (1 / static_cast<double>(count())) * sum;
  const double growth = along / square;
  for (std::size_t n = 0; n < count(); ++n) {
    const Vector3 move = move_of(of_other, n);
    const Vector3 placed = mean_[n] + move_of(of_expression, n);
    const Vector3 as_fitted = placed + move_of(of_fitted, n);
    const Vector3 as_other = placed + move;
    fitted = std::copy_n(as_fitted.begin(), 3, fitted);
    other = std::copy_n(as_other.begin(), 3, other);
    offsets[n] = dot(normals_[n], move - shift - growth * centred_[n]);
  }
}

// Adds what some components, from the first on, move by.
void Skin::add_moves(
  const double * coefficients, std::size_t first, std::size_t components,
  std::vector<float> & moves) const
{
  for (std::size_t k = 0; k < components; ++k) {
    const auto weight = static_cast<float>(coefficients[k]);
    const float * const component = &basis_[(first + k) * moves.size()];
    for (std::size_t i = 0; i < moves.size(); ++i) {
      moves[i] += weight * component[i];
    }
  }
}

}  // namespace face_recon
