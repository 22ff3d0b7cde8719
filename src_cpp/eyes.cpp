// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "eyes.hpp"

#include <algorithm>
#include <cmath>

namespace face_recon
{
namespace
{

constexpr double kTiny = 1e-9;
constexpr std::size_t kInnerCorner = 0, kLowerLid = 1, kOuterCorner = 8, kUpperLid = 9;
// Lids are closed at the corners anyway: of the seven pairs the middle three count.
constexpr std::size_t kFirstPair = 2, kPairs = 3;

Vector2 apart(const Vector2 & a, const Vector2 & b) { return {a[0] - b[0], a[1] - b[1]}; }

// Row by row; of the vector's two numbers.
Vector2 product(const std::array<double, 4> & m, const Vector2 & v)
{
  return {m[0] * v[0] + m[1] * v[1], m[2] * v[0] + m[3] * v[1]};
}

std::array<double, 4> transposed2(const std::array<double, 4> & m)
{
  return {m[0], m[2], m[1], m[3]};
}

double openness_of(
  const std::array<Vector2, kLidPoints> & lids, double width_px, const OpennessScale & scale)
{
  const Vector2 along = apart(lids[kOuterCorner], lids[kInnerCorner]);
  const double width = std::max(width_px, kTiny);
  double height = 0.0;
  for (std::size_t k = kFirstPair; k < kFirstPair + kPairs; ++k) {
    const Vector2 gap = apart(lids[kLowerLid + k], lids[kUpperLid + k]);
    // of a line through the corners, so that turned crops do not matter
    height += std::fabs(gap[1] * along[0] - gap[0] * along[1]) / width;
  }
  const double ratio = height / static_cast<double>(kPairs) / width;
  const double part = (ratio - scale.closed_ratio) / (scale.wide_ratio - scale.closed_ratio);
  return std::clamp(part, 0.0, 1.0);
}

// The frame of a viewing ray, its axes in rows: z along it, x to the head's left, y down as far as
// they can be.
using Axes = std::array<Vector3, 3>;

Vector3 cross(const Vector3 & a, const Vector3 & b)
{
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector3 unit(const Vector3 & v) { return (1 / std::max(norm(v), kTiny)) * v; }

Vector3 column(const Matrix3 & m, std::size_t k) { return {m[k], m[3 + k], m[6 + k]}; }

Axes axes_at(const Vector3 & to_eyes_m, const Matrix3 & rotation)
{
  const Vector3 z = unit(to_eyes_m);
  const Vector3 y = unit(cross(z, column(rotation, 1)));
  return {cross(y, z), y, z};
}

Vector2 across(const Axes & axes, const Vector3 & v) { return {dot(axes[0], v), dot(axes[1], v)}; }

Vector3 middle_of(const OfBoth<Vector3> & corners) { return 0.5 * (corners[0] + corners[1]); }

// An eye that is large, open, and not turned away.
bool usable(const SeenEyes & eyes, std::size_t side, const GazeSettings & known)
{
  const auto & [first, second] = eyes.corners_m[side];
  const Vector3 ray =
    (1 / norm(middle_of(eyes.corners_m[side]))) * middle_of(eyes.corners_m[side]);
  const Vector3 along = second - first;
  const double seen = norm(along - dot(along, ray) * ray) / std::max(norm(along), kTiny);
  const Vector2 & turn = eyes.turns[side];
  return eyes.width_px[side] >= known.least_width_px &&
         eyes.openness[side] >= known.least_openness && std::isfinite(turn[0]) &&
         std::isfinite(turn[1]) && seen >= known.least_width_ratio;
}

// Where an eye is seen to look, in its own axes: sines, and their variances.
struct EyeGaze
{
  Vector2 across{};
  Vector2 variance{};
};

EyeGaze of_one(const SeenEyes & eyes, std::size_t side, const GazeSettings & known)
{
  const Vector3 middle = middle_of(eyes.corners_m[side]);
  const Axes axes = axes_at(middle, eyes.rotation);
  const Vector2 & turn = eyes.turns[side];
  // of the ray's frame whose x and y are the image's
  const Vector2 turned = across(axes, rotation_to(middle) * Vector3{turn[0], turn[1], 0.0});
  const double width_px = eyes.width_px[side];
  const double small = 1 + std::pow(known.half_width_px / width_px, 4);
  const Vector2 gains = {known.gain * small, known.vertical_gain * small};
  const Vector2 width = across(axes, eyes.corners_m[side][1] - eyes.corners_m[side][0]);
  const double width_m = std::hypot(width[0], width[1]);
  const double opened = std::min(eyes.openness[side] / known.full_openness, 1.0);
  const double part = std::min(width_m / (known.eye_width_m * eyes.head_scale), 1.0) * opened;
  const double noise = known.noise_width_px / width_px;
  const double sigma = std::hypot(known.eye_sigma, noise * noise);
  EyeGaze found;
  for (std::size_t k = 0; k < 2; ++k) {
    found.across[k] = gains[k] * turned[k];
    const double of_gaze = sigma * gains[k] / part;
    found.variance[k] = of_gaze * of_gaze;
  }
  return found;
}

// The covariance (2, 2) across the axes of a direction that turns with a head.
std::array<double, 4> direction_covariance(
  const Axes & axes, const Vector3 & direction, const Matrix3 & rotation_covariance)
{
  // a turn w moves it by w x direction, along an axis by (direction x axis) . w
  const OfBoth<Vector3> levers = {cross(direction, axes[0]), cross(direction, axes[1])};
  std::array<double, 4> covariance{};
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      covariance[2 * i + j] = dot(levers[i], rotation_covariance * levers[j]);
    }
  }
  return covariance;
}

// All eyes that are measured as one, by their variances.
EyeGaze of_all(const SeenEyes & eyes, const OfBoth<bool> & measured, const GazeSettings & known)
{
  Vector2 precision{}, sum{};
  for (std::size_t side = 0; side < 2; ++side) {
    if (!measured[side]) {
      continue;
    }
    const EyeGaze eye = of_one(eyes, side, known);
    for (std::size_t k = 0; k < 2; ++k) {
      precision[k] += 1 / eye.variance[k];
      sum[k] += eye.across[k] / eye.variance[k];
    }
  }
  return {{sum[0] / precision[0], sum[1] / precision[1]}, {1 / precision[0], 1 / precision[1]}};
}

// What is seen of the eyes and the direction of eyes at rest, of covariance at_rest, together.
struct Fused
{
  Vector2 across{};
  double variance = 0.0;
};

Fused fused(const EyeGaze & eyes, const Vector2 & head, const std::array<double, 4> & at_rest)
{
  const Vector2 & noise = eyes.variance;
  const std::array<double, 4> sum = {
    noise[0] + at_rest[0], at_rest[1], at_rest[2], noise[1] + at_rest[3]};
  const double determinant = sum[0] * sum[3] - sum[1] * sum[2];
  // the noise times the inverse of the sum
  const std::array<double, 4> gain = {
    noise[0] * sum[3] / determinant, -noise[0] * sum[1] / determinant,
    -noise[1] * sum[2] / determinant, noise[1] * sum[0] / determinant};
  const Vector2 moved = product(gain, apart(eyes.across, head));
  return {
    apart(eyes.across, moved), noise[0] - gain[0] * noise[0] + noise[1] - gain[3] * noise[1]};
}

}  // namespace

EyeInImage read_eye(
  const float * outputs, const std::array<double, 6> & image_from_crop, const Vector2 & head,
  const OpennessScale & scale)
{
  const auto & m = image_from_crop;
  const auto point = [&](std::size_t n) -> Vector2 {
    const double x = outputs[2 * n], y = outputs[2 * n + 1];
    return {m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
  };
  EyeInImage eye;
  eye.iris_px = point(0);
  for (std::size_t n = 0; n < kLidPoints; ++n) {
    eye.lids_px[n] = point(1 + n);
  }
  const float * const after = outputs + 2 * kEyePoints;
  const double size = std::hypot(m[0], m[3]);
  eye.radius_px = size * after[0];
  const Vector2 width = apart(eye.lids_px[kOuterCorner], eye.lids_px[kInnerCorner]);
  eye.width_px = std::hypot(width[0], width[1]);
  const bool wide = eye.width_px >= scale.least_width_px;
  eye.openness = wide ? openness_of(eye.lids_px, eye.width_px, scale) : std::nan("");
  const std::array<double, 4> axes = {m[0] / size, m[1] / size, m[3] / size, m[4] / size};
  const Vector2 change =
    product({after[3], after[4], after[5], after[6]}, product(transposed2(axes), head));
  eye.turn = product(axes, {after[1] + change[0], after[2] + change[1]});
  return eye;
}

Vector2 sines_seen(const Vector3 & direction, const Vector3 & point_m)
{
  const Matrix3 turn = rotation_to(point_m);
  return {dot(column(turn, 0), direction), dot(column(turn, 1), direction)};
}

SeenGaze gaze_of(const SeenEyes & eyes, const GazeSettings & known)
{
  SeenGaze found;
  for (std::size_t side = 0; side < 2; ++side) {
    found.measured[side] = usable(eyes, side, known);
  }
  if (!found.measured[0] && !found.measured[1]) {
    return found;
  }
  const EyeGaze seen = of_all(eyes, found.measured, known);
  const Vector3 middle = 0.5 * (middle_of(eyes.corners_m[0]) + middle_of(eyes.corners_m[1]));
  const Axes axes = axes_at(middle, eyes.rotation);
  auto of_head = direction_covariance(axes, column(eyes.rotation, 0), eyes.rotation_covariance);
  of_head[0] += known.spread_rad * known.spread_rad;
  of_head[3] += known.spread_rad * known.spread_rad;
  const Vector3 at_rest =
    eyes.rotation * Vector3{std::cos(known.tilt_rad), 0.0, -std::sin(known.tilt_rad)};
  const auto [sines, variance] = fused(seen, across(axes, at_rest), of_head);
  const double sine = std::hypot(sines[0], sines[1]);
  const double kept = sine > known.most_sine ? known.most_sine / sine : 1.0;
  const double towards = -std::sqrt(1 - kept * kept * sine * sine);
  found.direction = (kept * sines[0]) * axes[0] + (kept * sines[1]) * axes[1] + towards * axes[2];
  found.variance = variance;
  return found;
}

}  // namespace face_recon
