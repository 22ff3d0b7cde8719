// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "landmark_decoder.hpp"

#include <algorithm>
#include <utility>

#include "model_points.hpp"

namespace face_recon
{

namespace
{

void turn(const Matrix3 & rotation, std::vector<Vector3> & points)
{
  for (Vector3 & point : points) {
    point = rotation * point;
  }
}

}  // namespace

// Pixels ~ scale * turned points + origin, y up.
struct LandmarkDecoder::Fit
{
  double scale = 0;
  std::array<double, 2> origin{};

  // Least squares.
  Fit(const std::vector<Vector3> & turned, const std::vector<std::array<double, 2>> & points_px)
  {
    const auto count = static_cast<double>(turned.size());
    std::array<double, 2> turned_mean{};
    std::array<double, 2> target_mean{};
    for (std::size_t n = 0; n < turned.size(); ++n) {
      for (std::size_t axis = 0; axis < 2; ++axis) {
        turned_mean[axis] += turned[n][axis] / count;
        target_mean[axis] += up(points_px[n], axis) / count;
      }
    }
    double together = 0;
    double spread = 0;
    for (std::size_t n = 0; n < turned.size(); ++n) {
      for (std::size_t axis = 0; axis < 2; ++axis) {
        const double centred = turned[n][axis] - turned_mean[axis];
        together += centred * up(points_px[n], axis);
        spread += centred * centred;
      }
    }
    scale = together / spread;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      origin[axis] = target_mean[axis] - scale * turned_mean[axis];
    }
  }

  static double up(const std::array<double, 2> & point_px, std::size_t axis)
  {
    return axis == 0 ? point_px[0] : -point_px[1];
  }
};

LandmarkDecoder::LandmarkDecoder(
  const double * mean, const double * basis, const double * solve, std::size_t landmarks,
  std::size_t coefficients, LipSettings lips)
: coefficients_(coefficients),
  mean_(vectors_of(mean, landmarks)),
  basis_(basis, 3 * landmarks, coefficients),
  solve_(solve, coefficients, 3 * landmarks),
  lips_(std::move(lips))
{
}

std::vector<Vector3> LandmarkDecoder::points_of(const double * coefficients) const
{
  const std::vector<float> moves = basis_.times(coefficients);
  std::vector<Vector3> points = mean_;
  auto move = moves.begin();
  for (Vector3 & point : points) {
    for (double & value : point) {
      value += *move++;
    }
  }
  return points;
}

std::array<double, 12> LandmarkDecoder::decode(
  const std::vector<std::array<double, 2>> & points_px, const Matrix3 & rotation,
  std::vector<Vector3> & points, double * coefficients) const
{
  turn(rotation, points);
  const Fit before(points, points_px);
  for (std::size_t n = 0; n < points.size(); ++n) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      points[n][axis] = (Fit::up(points_px[n], axis) - before.origin[axis]) / before.scale;
    }
  }
  turn(transposed(rotation), points);
  close_lips(points);
  std::vector<double> moves;
  moves.reserve(3 * points.size());
  for (std::size_t n = 0; n < points.size(); ++n) {
    const Vector3 move = points[n] - mean_[n];
    moves.insert(moves.end(), move.begin(), move.end());
  }
  const std::vector<float> found = solve_.times(moves.data());
  std::copy_n(found.begin(), coefficients_, coefficients);
  points = points_of(coefficients);
  std::vector<Vector3> turned = points;
  turn(rotation, turned);
  const Fit after(turned, points_px);
  const Matrix3 & r = rotation;
  const double s = after.scale;
  return {s * r[0],  s * r[1],  s * r[2],  after.origin[0],   //
          -s * r[3], -s * r[4], -s * r[5], -after.origin[1],  //
          s * r[6],  s * r[7],  s * r[8],  0};
}

void LandmarkDecoder::close_lips(std::vector<Vector3> & points) const
{
  double sum = 0;
  for (const auto & [upper, lower] : lips_.pairs) {
    sum += norm(points[upper] - points[lower]);
  }
  const double gap = sum / static_cast<double>(lips_.pairs.size()) / lips_.canthal_distance_m;
  const double openness = (gap - lips_.closed_gap) / (lips_.open_gap - lips_.closed_gap);
  if (openness >= 1) {
    return;
  }
  const double part = (1 - std::max(openness, 0.0)) / 2;
  std::vector<Vector3> closing;
  for (const auto & [upper, lower] : lips_.pairs) {
    closing.push_back(part * (points[upper] - points[lower]));
  }
  for (std::size_t pair = 0; pair < lips_.pairs.size(); ++pair) {
    const auto & [upper, lower] = lips_.pairs[pair];
    points[upper] = points[upper] - closing[pair];
    points[lower] = points[lower] + closing[pair];
  }
}

}  // namespace face_recon
