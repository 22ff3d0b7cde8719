// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "one_euro.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace face_recon
{

namespace
{

constexpr double kTau = 6.283185307179586476925;

// The weight of the new value in a first-order low-pass filter.
double smoothing_factor(double cutoff_hz, double step_s)
{
  const double r = kTau * cutoff_hz * step_s;
  return r / (r + 1);
}

// Camera matrix (3, 4) row by row: scale times rotation, image y down, and the origin's pixel.
FacePlace place_of(const std::array<double, 12> & matrix)
{
  FacePlace place;
  place.scale = norm({matrix[0], matrix[1], matrix[2]});
  for (std::size_t row = 0; row < 3; ++row) {
    const double unit = (row == 1 ? -1 : 1) / place.scale;
    for (std::size_t column = 0; column < 3; ++column) {
      place.rotation[3 * row + column] = unit * matrix[4 * row + column];
    }
    place.origin[row] = matrix[4 * row + 3];
  }
  return place;
}

std::array<double, 12> matrix_of(const FacePlace & place)
{
  std::array<double, 12> matrix{};
  for (std::size_t row = 0; row < 3; ++row) {
    const double unit = (row == 1 ? -1 : 1) * place.scale;
    for (std::size_t column = 0; column < 3; ++column) {
      matrix[4 * row + column] = unit * place.rotation[3 * row + column];
    }
    matrix[4 * row + 3] = place.origin[row];
  }
  return matrix;
}

}  // namespace

const std::vector<double> & VectorFilter::take(
  const double * values, std::size_t count, double step_s, double unit)
{
  if (value_.empty()) {
    value_.assign(values, values + count);
    velocity_.assign(count, 0);
    return value_;
  }
  const double part = smoothing_factor(settings_.speed_cutoff_hz, step_s);
  for (std::size_t k = 0; k < count; ++k) {
    velocity_[k] += part * ((values[k] - value_[k]) / step_s - velocity_[k]);
  }
  const double speed =
    std::sqrt(std::inner_product(velocity_.begin(), velocity_.end(), velocity_.begin(), 0.0));
  const double weight =
    smoothing_factor(settings_.min_cutoff_hz + settings_.beta * speed / unit, step_s);
  for (std::size_t k = 0; k < count; ++k) {
    value_[k] += weight * (values[k] - value_[k]);
  }
  return value_;
}

void RotationFilter::forget()
{
  empty_ = true;
  velocity_ = {};
}

void RotationFilter::carry(const Matrix3 & value)
{
  empty_ = false;
  value_ = value;
}

const Matrix3 & RotationFilter::take(const Matrix3 & value, double step_s, double sigma_rad)
{
  if (empty_) {
    carry(value);
    return value_;
  }
  const Vector3 turn = turn_of(value * transposed(value_));
  const double part = smoothing_factor(settings_.speed_cutoff_hz, step_s);
  velocity_ = velocity_ + part * ((1 / step_s) * turn - velocity_);
  double cutoff_hz = settings_.beta * norm(velocity_);
  if (sigma_rad != 0) {
    const double distance = norm(turn) / (distance_.distance_sigmas * sigma_rad);
    cutoff_hz +=
      distance_.distance_hz * std::min(std::pow(distance, distance_.power), distance_.most);
    cutoff_hz += distance_.rest_factor * settings_.min_cutoff_hz;
  } else {
    cutoff_hz += settings_.min_cutoff_hz;
  }
  value_ = rotation_of(smoothing_factor(cutoff_hz, step_s) * turn) * value_;
  return value_;
}

FaceFilter::FaceFilter(const FaceFilterSettings & settings)
: rotation_(settings.rotation, settings.distance),
  position_(settings.position),
  size_(settings.size),
  shape_(settings.shape),
  expression_(settings.expression)
{
}

void FaceFilter::resume()
{
  rotation_.forget();
  position_.forget();
  size_.forget();
  expression_.forget();
}

FacePlace FaceFilter::place() const
{
  FacePlace place;
  place.scale = std::exp(size_.value()[0]);
  place.rotation = rotation_.value();
  std::copy_n(position_.value().begin(), place.origin.size(), place.origin.begin());
  return place;
}

void FaceFilter::carry(const FacePlace & place)
{
  const double size = std::log(place.scale);
  size_.carry(&size, 1);
  rotation_.carry(place.rotation);
  position_.carry(place.origin.data(), place.origin.size());
}

void FaceFilter::take(
  std::array<double, 12> & camera_matrix, double * shape, std::size_t shape_count,
  double * expression, std::size_t expression_count, double step_s, double sigma_rad)
{
  const FacePlace seen = place_of(camera_matrix);
  const double size = std::log(seen.scale);
  size_.take(&size, 1, step_s);
  rotation_.take(seen.rotation, step_s, sigma_rad);
  position_.take(seen.origin.data(), seen.origin.size(), step_s, seen.scale);
  camera_matrix = matrix_of(place());
  const auto & smooth_shape = shape_.take(shape, shape_count, step_s);
  std::copy(smooth_shape.begin(), smooth_shape.end(), shape);
  const auto & smooth_expression = expression_.take(expression, expression_count, step_s);
  std::copy(smooth_expression.begin(), smooth_expression.end(), expression);
}

}  // namespace face_recon
