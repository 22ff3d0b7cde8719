// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// One-Euro filters (Casiez, Roussel, Vogel 2012) of numbers, rotations and whole faces; see
// tracking/smoothing.py.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "small_algebra.hpp"

namespace face_recon
{

// Hz; beta in Hz per unit of speed.
struct OneEuroSettings
{
  double min_cutoff_hz = 0;
  double beta = 0;
  double speed_cutoff_hz = 1;
};

// What is added to the cut-off of a rotation whose sigma is known, by its distance from the smoothed
// one: distance_hz * min((distance / (distance_sigmas * sigma))^power, most); and the factor of the
// cut-off at rest there.
struct DistanceSettings
{
  double distance_hz = 0;
  double distance_sigmas = 1;
  double power = 1;
  double most = 1;
  double rest_factor = 1;
};

// Numbers filtered as one: their common speed sets the cut-off of all.
class VectorFilter
{
public:
  explicit VectorFilter(const OneEuroSettings & settings) : settings_(settings) {}

  bool empty() const { return value_.empty(); }
  const std::vector<double> & value() const { return value_; }
  void forget() { value_.clear(); }
  // Goes on from other numbers at the same speed.
  void carry(const double * values, std::size_t count) { value_.assign(values, values + count); }
  // Takes as many numbers as before; their speed is measured in `unit` per second.
  const std::vector<double> & take(
    const double * values, std::size_t count, double step_s, double unit = 1);

private:
  OneEuroSettings settings_;
  std::vector<double> value_;
  std::vector<double> velocity_;
};

class RotationFilter
{
public:
  RotationFilter(const OneEuroSettings & settings, const DistanceSettings & distance)
  : settings_(settings), distance_(distance)
  {
  }

  bool empty() const { return empty_; }
  const Matrix3 & value() const { return value_; }
  void forget();
  void carry(const Matrix3 & value);
  // sigma_rad: standard deviation of the rotation; 0: not known.
  const Matrix3 & take(const Matrix3 & value, double step_s, double sigma_rad);

private:
  OneEuroSettings settings_;
  DistanceSettings distance_;
  bool empty_ = true;
  Matrix3 value_{};
  Vector3 velocity_{};
};

struct FaceFilterSettings
{
  OneEuroSettings rotation, position, size, shape, expression;
  DistanceSettings distance;
};

// Where a face is: pixels per metre, model rotation, pixel of the model's origin.
struct FacePlace
{
  double scale = 1;
  Matrix3 rotation{};
  Vector3 origin{};
};

class FaceFilter
{
public:
  explicit FaceFilter(const FaceFilterSettings & settings);

  // Takes the next pose and expression as they come.
  void resume();
  bool empty() const { return rotation_.empty(); }
  FacePlace place() const;
  void carry(const FacePlace & place);
  // camera_matrix (3, 4) row by row; all are replaced by the smoothed ones.
  void take(
    std::array<double, 12> & camera_matrix, double * shape, std::size_t shape_count,
    double * expression, std::size_t expression_count, double step_s, double sigma_rad);

private:
  RotationFilter rotation_;
  VectorFilter position_, size_, shape_, expression_;
};

}  // namespace face_recon
